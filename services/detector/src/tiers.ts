import { topics } from '@waybill/contracts';
import { taskKey } from '@waybill/domain';
import type { Emitter } from '@waybill/stream';
import { chunkIndexOf } from './core/chunk.ts';
import { minuteOf, MINUTE_MS, sampleOf, type CellOf } from './core/minute.ts';
import type { Rules } from './core/rules.ts';
import type { Held } from './held.ts';
import type { ClockMove, Touched } from './turn.ts';

/** How long after its end a minute is taken for whole although nothing newer came, ms of T. */
const WHOLE_AFTER_MS = 60_000;

/** What goes out beside the facts: newest positions, and one sample per unit and minute. */
export interface Tiers {
  /** The end of a turn for one unit, before its fixes are trimmed. */
  readonly publish: (
    touched: Touched,
    rules: Rules,
    move: ClockMove | undefined,
    out: Emitter,
  ) => void;
  /** When T makes a minute whole, ms; Infinity = none is open. */
  readonly due: (held: Held, rules: Rules) => number;
}

/** The newest position of the turn; positions that are not newer than all before never come here. */
function publishNewest({ newest, held: { unit } }: Touched, out: Emitter): void {
  if (newest === undefined) return;
  const message = { type: 'PositionRecorded', value: newest } as const;
  out.emit({ topic: topics.positionState, key: taskKey(unit.tenantId, unit.name), message });
}

function receivedTimeOf({ arrivals }: Touched, move: ClockMove | undefined): number {
  const times = arrivals.map(({ receivedTime }) => receivedTime);
  return Math.max(0, move?.receivedTime ?? 0, ...times);
}

/**
 * Minutes leave when they are whole: a newer minute has begun, or T has passed. Which one waits for that is
 * remembered in memory only: after a restart the newest minute of a unit goes out once more, with the
 * same id and content.
 */
export function createTiers(cellOf: CellOf): Tiers {
  /** Minutes that this turn makes or changes, the newest one only when it is whole. */
  function wholeMinutes({ tenant, held, arrivals }: Touched): ReadonlySet<number> {
    const newest = minuteOf(held.unit.timeline.newestTime);
    const minutes = new Set(arrivals.map(({ fix }) => minuteOf(fix.time)));
    minutes.add(held.waitingMinute ?? newest);
    const isWhole =
      tenant.clock !== undefined && tenant.clock >= newest + MINUTE_MS + WHOLE_AFTER_MS;
    const waits = !isWhole && minutes.delete(newest);
    held.waitingMinute = waits ? newest : -1;
    return minutes;
  }

  function publishMinutes(touched: Touched, move: ClockMove | undefined, out: Emitter): void {
    const { timeline, tenantId, name: unit } = touched.held.unit;
    if (timeline.newestTime === -Infinity) return;
    const identity = { tenantId, unit, revision: receivedTimeOf(touched, move) };
    for (const minute of wholeMinutes(touched)) {
      const chunk = timeline.chunks.find(({ index }) => index === chunkIndexOf(minute));
      const value = chunk && sampleOf(identity, minute, chunk.fixes, cellOf);
      if (value === undefined) continue;
      const message = { type: 'MinuteSampled', value } as const;
      out.emit({ topic: topics.positionMinute, key: taskKey(tenantId, unit), message });
    }
  }

  return {
    publish: (touched, rules, move, out) => {
      if (rules.publishesPositions) publishNewest(touched, out);
      if (rules.publishesMinutes) publishMinutes(touched, move, out);
    },
    due: ({ waitingMinute: minute = -1 }, rules) => {
      return rules.publishesMinutes && minute >= 0 ? minute + MINUTE_MS + WHOLE_AFTER_MS : Infinity;
    },
  };
}
