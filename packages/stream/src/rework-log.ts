import { delay } from './delay.ts';
import type { Environment } from './environment.ts';
import { streamFault } from './errors.ts';
import { pullBatches } from './pull-log.ts';
import { readBefore } from './record.ts';
import type { ReworkLog, Stretch, StretchPart } from './rework-host.ts';
import { openTables } from './tables.ts';

const WAIT_MS = 10;
/** An open transaction of another task hides what lies behind it for at most its time-out. */
const MAX_WAITS = 1_500;

/** The cluster as a rework reads it. */
export function reworkLog(environment: Environment): ReworkLog {
  const { codecs, offsets } = environment;

  async function* read(stretch: Stretch): AsyncGenerator<StretchPart> {
    for await (const batch of pullBatches(environment, stretch)) {
      yield await readBefore(codecs, stretch.topic, batch, stretch.to);
    }
  }

  return {
    bounds: offsets.bounds,
    atTime: offsets.atTime,
    read,
    follow: async (topics) => {
      const tables = await openTables(environment, topics, () => undefined);
      return {
        reader: tables.reader,
        update: async () => {
          if (topics.length === 0) return;
          const bounds = await offsets.bounds(topics);
          for (let waits = 0; ; waits += 1) {
            const behind = [...bounds].find(([place, { high }]) => tables.next(place) < high);
            if (behind === undefined) return;
            if (waits >= MAX_WAITS) {
              throw streamFault('KAFKA_FAILED', 'decide', `${behind[0]} was not read to its end`);
            }
            await delay(WAIT_MS);
          }
        },
        close: tables.stop,
      };
    },
    now: Date.now,
    wait: delay,
  };
}
