import { subjectOf, type Contract, type Topic } from '@waybill/contracts';
import { openAdmin, openKafka } from './client.ts';
import { delay } from './delay.ts';
import { kafkaFault, streamFault, unreachable } from './errors.ts';
import { createOffsetLookup } from './offsets.ts';
import type { StreamAdmin, StreamOptions } from './port.ts';
import { openRegistry } from './registry.ts';

const DAY_MS = 86_400_000;
const CREATE_TIMEOUT_MS = 20_000;
/** A broker that is short of time takes half a minute to elect the leaders of hundreds of new partitions. */
const LEADERS_TIMEOUT_MS = 90_000;
const LEADER_DELAY_MS = 100;

function configOf(topic: Topic): { name: string; value: string }[] {
  return topic.compacted
    ? [{ name: 'cleanup.policy', value: 'compact' }]
    : [
        { name: 'cleanup.policy', value: 'delete' },
        { name: 'retention.ms', value: String(topic.retentionDays * DAY_MS) },
      ];
}

/** Connects for administration. Throws a Fault `BROKER_UNAVAILABLE` when no broker answers. */
export async function connectAdmin(options: StreamOptions): Promise<StreamAdmin> {
  const namespace = options.namespace ?? '';
  const admin = openAdmin(openKafka(options));
  const lookup = createOffsetLookup(() => openKafka(options), namespace);
  const registry = openRegistry(options.registryUrl);
  try {
    await admin.connect();
  } catch (error) {
    await admin.disconnect();
    throw unreachable(options.brokers, error);
  }

  async function existingCounts(topics: readonly Topic[]): Promise<ReadonlyMap<string, number>> {
    const names = new Set(await admin.listTopics());
    const present = topics.filter(({ name }) => names.has(`${namespace}${name}`));
    return lookup.partitionCounts(present);
  }

  async function waitForLeaders(topics: readonly Topic[]): Promise<void> {
    const deadline = Date.now() + LEADERS_TIMEOUT_MS;
    for (;;) {
      try {
        await lookup.bounds(topics);
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await delay(LEADER_DELAY_MS);
      }
    }
  }

  async function createTopics(
    topics: readonly Topic[],
    partitions: { readonly task: number; readonly source: number },
  ): Promise<void> {
    const wanted = { ...partitions, single: 1 };
    const counts = await existingCounts(topics);
    const changed = topics.filter((topic) => {
      const count = counts.get(topic.name);
      return count !== undefined && count !== wanted[topic.partitioning];
    });
    if (changed.length > 0) {
      const list = changed.map(
        (t) => `${t.name}: ${counts.get(t.name)} instead of ${wanted[t.partitioning]}`,
      );
      throw streamFault(
        'PARTITION_COUNT_CHANGED',
        'start',
        `${list.join(', ')}: the count is fixed for life, growing means a new topic major`,
      );
    }
    const missing = topics.filter(({ name }) => !counts.has(name));
    if (missing.length === 0) return;
    // Topics that somebody else creates at the same moment are no error for the client.
    await admin.createTopics({
      waitForLeaders: false,
      timeout: CREATE_TIMEOUT_MS,
      topics: missing.map((topic) => ({
        topic: `${namespace}${topic.name}`,
        numPartitions: wanted[topic.partitioning],
        configEntries: configOf(topic),
      })),
    });
    await waitForLeaders(missing);
    options.logger.info({ topics: missing.map(({ name }) => name) }, 'topics.created');
  }

  /** Four at a time: a registration is three small requests, a catalogue has about twenty. */
  async function registerContracts(topics: readonly Topic[]): Promise<void> {
    const waiting = topics.flatMap((topic) =>
      // The mapped type loses its index; subjectOf reads the name only.
      Object.values(topic.contracts as unknown as Record<string, Contract<never>>).map(
        (contract) => ({ subject: `${namespace}${subjectOf(topic, contract)}`, contract }),
      ),
    );
    const work = waiting.values();
    async function registerNext(): Promise<void> {
      for (const { subject, contract } of work) {
        await registry.register(subject, contract.schemaText);
      }
    }
    await Promise.all(Array.from({ length: 4 }, registerNext));
  }

  return {
    provision: async (topics, partitions) => {
      try {
        await createTopics(topics, partitions);
      } catch (error) {
        throw kafkaFault(error, 'start', 'creating topics');
      }
      await registerContracts(topics);
    },
    ends: async (topics) => {
      const bounds = await lookup.bounds(topics);
      return new Map([...bounds].map(([place, { high }]) => [place, high]));
    },
    close: async () => {
      await lookup.close();
      await admin.disconnect().catch(() => undefined);
    },
  };
}
