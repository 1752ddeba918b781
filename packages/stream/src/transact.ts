import type { Message, Topic } from '@waybill/contracts';
import type { Fault } from '@waybill/fault';
import type { Assignment } from './assigner.ts';
import { atMost } from './delay.ts';
import type { Environment } from './environment.ts';
import { streamFault } from './errors.ts';
import type { Runner, TransactOptions } from './port.ts';
import { startRunner, type Work } from './runner.ts';
import { openSession, type Session } from './session.ts';
import { openTables, type TableChange, type Tables } from './tables.ts';
import { changelogsOf } from './task-state.ts';
import { createTaskSlot, type TaskSlot } from './task-slot.ts';

/** A cluster that is away must not hold up the stop of the process. */
const STOP_LIMIT_MS = 5_000;

/** Topics that form a task must have one partition count: partition p of all of them belongs together. */
function taskCount(topics: readonly Topic[], counts: ReadonlyMap<string, number>): number {
  const found = topics.map((topic) => counts.get(topic.name) ?? 0);
  const [count = 0] = found;
  if (found.some((other) => other !== count)) {
    throw streamFault(
      'PARTITION_COUNT_MISMATCH',
      'start',
      `expected one partition count, found ${topics.map((t, i) => `${t.name}: ${found[i]}`).join(', ')}`,
    );
  }
  return count;
}

interface Shared<V> {
  readonly environment: Environment;
  readonly options: TransactOptions<V>;
  readonly partitions: number;
  readonly writable: ReadonlyMap<string, number>;
  readonly tables: Tables;
  readonly commands: () => readonly Message[];
  /** Where table changes go: the tasks of the present life. */
  readonly listen: (listener: (change: TableChange) => void) => void;
}

function openWork<V>(shared: Shared<V>, fail: (fault: Fault) => void): Work {
  const { environment, options, partitions, writable, tables, commands } = shared;
  const group = `${environment.namespace}${options.service}`;
  const slots = new Map<number, TaskSlot>();
  const leaving = new Set<Promise<void>>();
  let session: Session | undefined;

  function current(): Session {
    if (session === undefined) throw new Error('the session calls back after it was opened');
    return session;
  }

  function release(slot: TaskSlot): void {
    slots.delete(slot.partition);
    const closed: Promise<void> = slot.close().finally(() => leaving.delete(closed));
    leaving.add(closed);
  }

  function onAssigned(assignment: Assignment): void {
    const assigned = new Set([...assignment.values()].flat());
    for (const slot of slots.values()) {
      if (assigned.has(slot.partition)) slot.reassigned();
      else release(slot);
    }
    const setting = {
      ...{ environment, options, group, partitions, writable, tables, commands },
      fail,
    };
    for (const partition of assigned) {
      if (slots.has(partition)) continue;
      slots.set(partition, createTaskSlot({ ...setting, session: current }, partition));
    }
  }

  session = openSession(environment, {
    group,
    topics: options.inputs,
    owned: () => slots.keys(),
    settled: async () => {
      await Promise.allSettled([...slots.values()].map((slot) => slot.settled()));
    },
    onAssigned,
    onBatch: async (batch) => {
      await slots.get(batch.partition)?.process(batch);
    },
  });
  shared.listen((change) => {
    const isCommand = change.topic === options.rework?.commands;
    for (const slot of slots.values()) {
      if (isCommand) slot.commanded();
      else slot.tableChanged(change);
    }
  });
  return {
    ended: session.ended,
    ready: () => current().reading() && [...slots.values()].every((slot) => slot.isReady()),
    positions: () => current().positions(),
    stop: async () => {
      await current().stop();
      for (const slot of slots.values()) release(slot);
      await atMost(STOP_LIMIT_MS, Promise.all(leaving));
    },
  };
}

/** consume → state → produce, exactly once; see the port. Resolves when the tables are read. */
export async function transact<V, S extends object>(
  environment: Environment,
  wanted: TransactOptions<V, S>,
): Promise<Runner> {
  // Only the author's code knows what the named stores hold; here they are all treated alike.
  const options = wanted as unknown as TransactOptions<V>;
  const { codecs, logger, offsets } = environment;
  const state = changelogsOf(options);
  const written: readonly Topic[] = [...options.outputs, options.deadLetter, ...state];
  const command = options.rework?.commands;
  const tableTopics = [...(options.tables ?? []), ...(command ? [command] : [])];
  await codecs.bind([...options.inputs, ...tableTopics, ...written]);
  const counts = await offsets.partitionCounts([...options.inputs, ...written]);
  const partitions = taskCount([...options.inputs, ...state], counts);
  const writable = new Map(written.map(({ name }) => [name, counts.get(name) ?? 0]));

  let listener: (change: TableChange) => void = () => undefined;
  const tables = await openTables(environment, tableTopics, (change) => listener(change));
  const shared: Shared<V> = {
    environment,
    options,
    partitions,
    writable,
    // The author's tables; commands come on the same way, but are none of them.
    tables: {
      ...tables,
      snapshot: () => tables.snapshot().filter(({ topic }) => topic !== command),
    },
    commands: () =>
      command ? [...tables.reader.entries(command)].map(([, message]) => message) : [],
    listen: (next) => {
      listener = next;
    },
  };
  return startRunner(
    options.service,
    logger,
    (fail) => {
      tables.done.catch(fail);
      return openWork(shared, fail);
    },
    () => tables.stop(),
  );
}
