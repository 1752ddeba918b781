import { motions, positionJson } from './message.ts';
import type { Registration } from './recording.ts';
import type { TroubleOperation } from './trouble-plan.ts';

interface Registered {
  readonly unitId: number;
  /** Where it stands in intervals, epoch seconds. */
  readonly t: number;
  readonly rt: number;
}

/** One registered message of the first run through the recording. */
export type Entry =
  | (Registered & {
      readonly kind: 'fix' | 'future';
      readonly lat: number;
      readonly lon: number;
      /** `pos` as JSON. */
      readonly position: string;
    })
  /** `body` is the JSON served as it is. */
  | (Registered & { readonly kind: 'malformed'; readonly body: string });

/** Counts of what one unit has in the store; see the control API. */
export interface UnitCount {
  readonly unit_id: number;
  /** All of the below, repeats included. */
  readonly registered: number;
  /** Distinct time and position (1e-5 degree) of well-formed messages with a position. */
  readonly distinct: number;
  readonly malformed: number;
  readonly future: number;
  /** Well-formed messages without a position; the shipped recordings have none. */
  readonly no_position: number;
}

type RowOperation = Extract<TroubleOperation, { readonly row: number }>;
type MadeUpOperation = Extract<TroubleOperation, { readonly unit: number }>;

const isRowOperation = (operation: TroubleOperation): operation is RowOperation =>
  'row' in operation;
const isMadeUp = (operation: TroubleOperation): operation is MadeUpOperation => 'unit' in operation;
const standing = { speed: 0, course: 0 };

function madeUpEntry(operation: MadeUpOperation): Entry {
  const { unit: unitId, t, rt } = operation;
  if (operation.op === 'future') {
    const { lat, lon } = operation;
    return { unitId, t, rt, kind: 'future', lat, lon, position: positionJson(operation, standing) };
  }
  return { unitId, t, rt, kind: 'malformed', body: JSON.stringify(operation.body) };
}

/** The recording with the operations applied, in no particular order. */
export function entriesOf(
  registrations: readonly Registration[],
  operations: readonly TroubleOperation[],
): Entry[] {
  const moved = new Map<number, number>();
  const repeats = new Map<number, number[]>();
  for (const { op, row, rt } of operations.filter(isRowOperation)) {
    if (op === 'repeat') repeats.set(row, [...(repeats.get(row) ?? []), rt]);
    else moved.set(row, rt);
  }
  const motionOf = motions(registrations);
  const entries: Entry[] = operations.filter(isMadeUp).map(madeUpEntry);
  for (const fix of registrations) {
    const { row, unitId, t, lat, lon } = fix;
    const position = positionJson(fix, motionOf.get(row) ?? standing);
    for (const rt of [moved.get(row) ?? fix.rt, ...(repeats.get(row) ?? [])]) {
      entries.push({ unitId, t, rt, kind: 'fix', lat, lon, position });
    }
  }
  return entries;
}

/** Counts a unit's messages. */
export function countEntries(entries: readonly Entry[]): Omit<UnitCount, 'unit_id'> {
  const contents = new Set<string>();
  let [malformed, future] = [0, 0];
  for (const entry of entries) {
    if (entry.kind === 'malformed') malformed++;
    else {
      contents.add(`${entry.t}/${Math.round(entry.lat * 1e5)}/${Math.round(entry.lon * 1e5)}`);
      if (entry.kind === 'future') future++;
    }
  }
  const registered = entries.length;
  // Every well-formed message of the shipped recordings has a position.
  return { registered, distinct: contents.size, malformed, future, no_position: 0 };
}
