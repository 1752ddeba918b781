import { distanceM } from '@waybill/domain';
import { driverCode } from './equipment/drivers.ts';
import { tankOf } from './equipment/sensors.ts';
import { parametersJson } from './equipment/telemetry.ts';
import { motions, positionJson, type Motion } from './message.ts';
import type { Registration } from './recording.ts';
import type { TroubleOperation } from './trouble-plan.ts';

interface EntryTelemetry {
  readonly ignition: boolean;
  /** `p` as JSON. */
  readonly parameters: string;
}

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
      /** What a tracker with full equipment adds. */
      readonly telemetry: EntryTelemetry | undefined;
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
const standing: Motion = { speed: 0, course: 0 };

function metresBetween(a: Registration, b: Registration): number {
  return distanceM({ latitude: a.lat, longitude: a.lon }, { latitude: b.lat, longitude: b.lon });
}

function madeUpEntry(operation: MadeUpOperation): Entry {
  const { unit: unitId, t, rt } = operation;
  if (operation.op === 'future') {
    const { lat, lon } = operation;
    const position = positionJson(operation, standing);
    return { unitId, t, rt, kind: 'future', lat, lon, position, telemetry: undefined };
  }
  return { unitId, t, rt, kind: 'malformed', body: JSON.stringify(operation.body) };
}

/** Metres a recorded vehicle drives per litre. */
const METRES_PER_LITRE = 8000;

/** What trackers with full equipment add to the fixes of a recording, by row. */
function telemetries(
  fixes: readonly Registration[],
  motionOf: ReadonlyMap<number, Motion>,
): Map<number, EntryTelemetry> {
  const unitIds = [...new Set(fixes.map(({ unitId }) => unitId))].sort((a, b) => a - b);
  const codes = new Map(unitIds.map((id, index) => [id, driverCode(index + 1)]));
  const before = new Map<number, { fix: Registration; odometerM: number }>();
  const result = new Map<number, EntryTelemetry>();
  for (const fix of [...fixes].sort((a, b) => a.t - b.t || a.row - b.row)) {
    const last = before.get(fix.unitId);
    const step = last === undefined ? 0 : metresBetween(last.fix, fix);
    const odometerM = (last?.odometerM ?? 0) + step;
    before.set(fix.unitId, { fix, odometerM });
    const { speed } = motionOf.get(fix.row) ?? standing;
    const rangeM = tankOf(fix.unitId) * METRES_PER_LITRE;
    const code = codes.get(fix.unitId) ?? '';
    const made = parametersJson({ speed, odometerM, rangeM, driverCode: code });
    const own = fix.parameters === undefined ? made : JSON.stringify(fix.parameters);
    result.set(fix.row, { ignition: speed > 0, parameters: own });
  }
  return result;
}

/**
 * The recording with the operations applied, in no particular order. With `isFull` messages carry
 * parameters: those of the recording, or made-up ones where it has none.
 */
export function entriesOf(
  registrations: readonly Registration[],
  operations: readonly TroubleOperation[],
  isFull = false,
): Entry[] {
  const moved = new Map<number, number>();
  const repeats = new Map<number, number[]>();
  for (const { op, row, rt } of operations.filter(isRowOperation)) {
    if (op === 'repeat') repeats.set(row, [...(repeats.get(row) ?? []), rt]);
    else moved.set(row, rt);
  }
  const motionOf = motions(registrations);
  const telemetryOf = isFull ? telemetries(registrations, motionOf) : undefined;
  const entries: Entry[] = operations.filter(isMadeUp).map(madeUpEntry);
  for (const fix of registrations) {
    const { row, unitId, t, lat, lon } = fix;
    const position = positionJson(fix, motionOf.get(row) ?? standing);
    const telemetry = telemetryOf?.get(row);
    for (const rt of [moved.get(row) ?? fix.rt, ...(repeats.get(row) ?? [])]) {
      entries.push({ unitId, t, rt, kind: 'fix', lat, lon, position, telemetry });
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
