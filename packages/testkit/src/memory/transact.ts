import type { Topic } from '@waybill/contracts';
import { changelogsOf, streamFault, type TransactOptions } from '@waybill/stream';
import type { Instance } from './instance.ts';
import { startRunner, type MemoryRunner } from './runner.ts';
import { openTables, type TableChange } from './tables.ts';
import { createTask, type MemoryTask } from './task.ts';

function taskCount(topics: readonly Topic[], counts: ReadonlyMap<string, number>): number {
  const found = topics.map(({ name }) => counts.get(name) ?? 0);
  const [count = 0] = found;
  if (found.every((other) => other === count)) return count;
  const list = topics.map(({ name }, at) => `${name}: ${found[at]}`).join(', ');
  const text = `expected one partition count, found ${list}`;
  throw streamFault('PARTITION_COUNT_MISMATCH', 'start', text);
}

/** *transact* in memory; see the port. */
export async function transact<V, S extends object>(
  instance: Instance,
  wanted: TransactOptions<V, S>,
): Promise<MemoryRunner> {
  // Only the author's code knows what the named stores hold; here they are all treated alike.
  const options = wanted as unknown as TransactOptions<V>;
  const { broker, codecs, groups, memberId } = instance;
  const state = changelogsOf(options);
  const written: readonly Topic[] = [...options.outputs, options.deadLetter, ...state];
  const tableTopics: readonly Topic[] = options.tables ?? [];
  const reworks: readonly Topic[] = options.rework ? [options.rework.commands] : [];
  await codecs.bind([...options.inputs, ...tableTopics, ...reworks, ...written]);
  const known = broker.partitionCounts([...options.inputs, ...written]);
  const partitions = taskCount([...options.inputs, ...state], known);
  const counts = new Map(written.map(({ name }) => [name, known.get(name) ?? 0]));
  const tasks = new Map<number, MemoryTask>();
  const tables = await openTables(instance, tableTopics, (change: TableChange) => {
    for (const task of tasks.values()) task.tableChanged(change);
  });
  const commands = await openTables(instance, reworks, () => {
    for (const task of tasks.values()) task.commanded();
  });
  let joined = false;

  return startRunner(instance, (fail) => {
    const release = (partition: number): void => {
      tasks.get(partition)?.close();
      tasks.delete(partition);
      instance.ledger.release({ group: options.service, partition });
    };
    const setting = {
      ...{ instance, options, partitions, counts, tables, fail },
      commands: () => commands.snapshot().flatMap(({ message }) => message ?? []),
    };
    const leave = groups.join(options.service, partitions, {
      id: memberId,
      owned: () => tasks.keys(),
      assign: (assigned) => {
        joined = true;
        for (const partition of tasks.keys()) {
          if (!assigned.includes(partition)) release(partition);
        }
        for (const partition of assigned) {
          if (!tasks.has(partition)) tasks.set(partition, createTask(setting, partition));
        }
      },
    });
    const kill = (): void => {
      for (const partition of tasks.keys()) release(partition);
      leave();
    };
    return {
      name: options.service,
      ready: () => joined && [...tasks.values()].every((task) => task.isReady()),
      positions: () => [...tasks.values()].flatMap((task) => task.positions()),
      dueAt: () => {
        const dues = [...tasks.values()].flatMap((task) => task.dueAt() ?? []);
        return dues.length === 0 ? undefined : Math.min(...dues);
      },
      step: async () => {
        let moved = await tables.step();
        moved = (await commands.step()) || moved;
        for (const task of tasks.values()) moved = (await task.step()) || moved;
        return moved;
      },
      close: async () => kill(),
      kill,
    };
  });
}
