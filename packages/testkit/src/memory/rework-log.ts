import type { ReworkLog } from '@waybill/stream';
import { decode, type Instance } from './instance.ts';
import { openTables } from './tables.ts';

/** The in-memory log as a rework reads it; it waits on the engine's clock. */
export function reworkLog(instance: Instance): ReworkLog {
  const { broker, engine } = instance;
  return {
    bounds: async (topics) =>
      new Map(
        [...broker.partitionCounts(topics)].flatMap(([name, count]) =>
          Array.from({ length: count }, (_, partition) => {
            const low = broker.start(name, partition);
            return [`${name}/${partition}`, { low, high: broker.end(name, partition) }] as const;
          }),
        ),
      ),
    atTime: async ({ name }, partition, ms) => broker.atTime(name, partition, ms),
    async *read({ topic, partition, from, to }) {
      const { records } = broker.read(topic.name, partition, from);
      const decoded = await decode(
        instance,
        topic,
        records.filter(({ offset }) => offset < to),
      );
      yield decoded;
      decoded.takeBack();
    },
    follow: async (topics) => {
      const { reader, step } = await openTables(instance, topics, () => undefined);
      return {
        reader,
        update: async () => void (await step()),
        close: async () => undefined,
      };
    },
    now: engine.now,
    wait: engine.wait,
  };
}
