import { subjectOf, type Contract } from '@waybill/contracts';
import { streamFault, type Registry, type StreamAdmin } from '@waybill/stream';
import type { MemoryBroker } from './broker.ts';

/** Subjects and ids; equal texts share an id, as with the real one. */
export function createRegistry(): Registry {
  const ids = new Map<string, number>();
  const texts: string[] = [];
  const registered = new Map<string, Set<string>>();
  return {
    idOf: async (subject, text) => (registered.get(subject)?.has(text) ? ids.get(text) : undefined),
    textOf: async (id) => texts[id - 1],
    register: async (subject, text) => {
      const id = ids.get(text) ?? texts.push(text);
      ids.set(text, id);
      registered.set(subject, (registered.get(subject) ?? new Set()).add(text));
      return id;
    },
  };
}

/** Administration of the in-memory log; see the port. */
export function createAdmin(broker: MemoryBroker, registry: Registry): StreamAdmin {
  return {
    provision: async (topics, partitions) => {
      const wanted = { ...partitions, single: 1 };
      const existing = topics.filter(broker.exists);
      const counts = broker.partitionCounts(existing);
      const changed = existing.filter(
        ({ name, partitioning: p }) => counts.get(name) !== wanted[p],
      );
      if (changed.length > 0) {
        const list = changed.map(
          ({ name, partitioning: p }) => `${name}: ${counts.get(name)} instead of ${wanted[p]}`,
        );
        const text = `${list.join(', ')}: the count is fixed for life`;
        throw streamFault('PARTITION_COUNT_CHANGED', 'start', text);
      }
      for (const topic of topics) {
        if (!broker.exists(topic)) broker.create(topic, wanted[topic.partitioning]);
        // The mapped type loses its index; subjectOf reads the name only.
        const contracts = Object.values(topic.contracts as Record<string, Contract<never>>);
        for (const contract of contracts) {
          await registry.register(subjectOf(topic, contract), contract.schemaText);
        }
      }
    },
    ends: async (topics) =>
      new Map(
        [...broker.partitionCounts(topics)].flatMap(([name, count]) =>
          Array.from({ length: count }, (_, partition) => {
            return [`${name}/${partition}`, broker.end(name, partition)] as const;
          }),
        ),
      ),
    close: async () => undefined,
  };
}
