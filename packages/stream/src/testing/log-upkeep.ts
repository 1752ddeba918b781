import type { Topic } from '@waybill/contracts';
import { until } from '@waybill/testkit';
import { openAdmin, openKafka, type KafkaAdmin } from '../client.ts';
import type { StreamOptions } from '../port.ts';
import { PARTITIONS, text, type TestSystem } from './cluster.ts';

/** What the broker's own upkeep of its log does sooner or later, brought about by a test. */

async function administer(
  options: StreamOptions,
  topic: Topic,
  work: (admin: KafkaAdmin, wire: string) => Promise<unknown>,
): Promise<void> {
  const admin = openAdmin(openKafka(options));
  await admin.connect();
  const wire = `${options.namespace ?? ''}${topic.name}`;
  // The client deletes only in topics that it was asked about before.
  await admin.fetchTopicOffsets(wire);
  await work(admin, wire);
  await admin.disconnect();
}

/** Deletes the records of a partition before the offset, as retention does. */
export function deleteBefore(
  options: StreamOptions,
  topic: Topic,
  partition: number,
  offset: bigint,
): Promise<void> {
  return administer(options, topic, (admin, wire) =>
    admin.deleteTopicRecords({ topic: wire, partitions: [{ partition, offset: String(offset) }] }),
  );
}

const TOPIC = 2;

/**
 * Resolves when no key but "filler" has two values. The newest segment is never compacted, so records of
 * the key "filler" are added to every partition until the others are: each closes the segment before it.
 */
export async function compact(system: TestSystem, topic: Topic): Promise<void> {
  const { options } = system;
  await administer(options, topic, (admin, name) =>
    admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          ...{ type: TOPIC, name },
          configEntries: [
            { name: 'cleanup.policy', value: 'compact' },
            { name: 'segment.ms', value: '1' },
            { name: 'min.cleanable.dirty.ratio', value: '0.001' },
          ],
        },
      ],
    }),
  );
  const streams = await system.connect();
  const publisher = await streams.publisher([topic]);
  await until('older values are gone', async () => {
    await publisher.send(
      Array.from({ length: PARTITIONS.task }, (_, partition) => {
        return { topic, partition, key: 'filler', message: text('0') };
      }),
    );
    const keys = (await system.read(topic))
      .map((line) => line.split('=')[0])
      .filter((key) => key !== 'filler');
    return new Set(keys).size === keys.length;
  });
  await streams.close();
}
