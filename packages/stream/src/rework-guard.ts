import type { Message, Topic } from '@waybill/contracts';
import { delay } from './delay.ts';
import type { Environment } from './environment.ts';
import { streamFault } from './errors.ts';
import type { Outgoing } from './port.ts';
import { openTables, type Tables } from './tables.ts';

/**
 * Keeps a rework from putting an older value over a newer one: knows the newest revision of every key of
 * the compacted outputs. Right as long as no other task writes the same keys, which partitioning sees to.
 */
export interface ReworkGuard {
  /** Waits until everything committed so far is known; call before a reworked transaction. */
  readonly update: () => Promise<void>;
  /** True when a newer value stands in the topic, or when nobody can tell. */
  readonly isSuperseded: (record: Outgoing) => boolean;
  readonly close: () => Promise<void>;
}

const WAIT_MS = 10;
/** An open transaction of another task hides what lies behind it for at most its time-out. */
const MAX_WAITS = 1_500;

function revisionOf(message: Message | null | undefined): number | undefined {
  const { revision } = (message?.value ?? {}) as { revision?: unknown };
  return typeof revision === 'number' ? revision : undefined;
}

function guardOf(
  { offsets }: Environment,
  compacted: readonly Topic[],
  tables: Tables,
): ReworkGuard {
  return {
    update: async () => {
      if (compacted.length === 0) return;
      const bounds = await offsets.bounds(compacted);
      for (let waits = 0; ; waits += 1) {
        const behind = [...bounds].find(([place, { high }]) => tables.next(place) < high);
        if (behind === undefined) return;
        if (waits >= MAX_WAITS) {
          throw streamFault('KAFKA_FAILED', 'decide', `${behind[0]} was not read to its end`);
        }
        await delay(WAIT_MS);
      }
    },
    isSuperseded: ({ topic, key, message }) => {
      if (!topic.compacted) return false;
      const revision = revisionOf(message);
      if (revision === undefined) return true;
      const known = revisionOf(tables.reader.get(topic, key));
      return known !== undefined && known > revision;
    },
    close: () => tables.stop(),
  };
}

/** Reads the compacted ones of `outputs` and follows them until `close`. */
export async function openReworkGuard(
  environment: Environment,
  outputs: readonly Topic[],
): Promise<ReworkGuard> {
  const compacted = outputs.filter((topic) => topic.compacted);
  return guardOf(environment, compacted, await openTables(environment, compacted, () => undefined));
}
