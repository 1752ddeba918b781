import type { Pool } from '@waybill/postgres';
import type { PositionRecorded, Topic } from '@waybill/contracts';
import { connectAdmin, type Outgoing, type StreamAdmin, type Streams } from '@waybill/stream';
import { round } from '../measure.ts';
import type { RunResult, RunSetting } from './clients.ts';
import {
  counted,
  createDigest,
  createExpectation,
  windowKey,
  type Expectation,
} from './expectation.ts';
import { logger, readAll, sendAll } from './log.ts';
import { positionKey, positionOf, traceparentOf } from './position.ts';
import { runClient } from './run-client.ts';
import { readLatest, sumHistory, tablesOf } from './tables.ts';
import { topicsOf, type Mapped, type VehicleSampled, type WindowCounted } from './topics.ts';
import { createWorkload, type WorkloadOptions } from './workload.ts';

/** What the runs of one call share. */
export interface Bench {
  readonly connection: Pick<
    RunSetting,
    'brokers' | 'registryUrl' | 'namespace' | 'databaseUrl' | 'brokerPid'
  >;
  readonly admin: StreamAdmin;
  readonly streams: Streams;
  readonly database: Pool;
  readonly log: (line: string) => void;
  readonly partitions: number;
  readonly warmup: number;
  readonly events: number;
  readonly workload: WorkloadOptions;
  /** Size of the detector's state. */
  readonly units: number;
  readonly fixesPerUnit: number;
  /** Further arguments of node for the clients. */
  readonly clientArguments: readonly string[];
  /** Folder of this call; removed at its end. */
  readonly dir: string;
}

/** Figures of a run that passed its check; a wrong result throws. */
export type Case = (bench: Bench, run: string) => Promise<object>;

/** Throws when a result is not what it should be. */
export function expectEqual(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) {
    throw new Error(`${what}: expected ${String(expected)}, found ${String(found)}`);
  }
}

export async function provision(bench: Bench, topics: readonly unknown[]): Promise<void> {
  const { admin, partitions } = bench;
  await admin.provision(topics as readonly Topic[], { task: partitions, source: partitions });
}

export function settingOf(bench: Bench, name: string, run: string): RunSetting {
  const { connection, warmup, events, workload, clientArguments } = bench;
  return { ...connection, case: name, run, warmup, events, workload, clientArguments };
}

/** Publishes the whole log of the workload into a topic, one record per event. */
export async function publish(
  bench: Bench,
  topic: unknown,
  recordOf: (sampled: VehicleSampled, index: number) => Omit<Outgoing, 'topic'>,
): Promise<void> {
  const target = topic as Topic;
  await provision(bench, [target]);
  const count = bench.warmup + bench.events;
  bench.log(`filling ${target.name} with ${count} records`);
  const next = createWorkload(bench.workload);
  const publisher = await bench.streams.publisher([target]);
  await sendAll(publisher, count, (index) => ({ topic: target, ...recordOf(next(), index) }));
  await publisher.close();
}

/** Filled once per call of the benchmark, when a case first needs it. */
function once<R>(make: (bench: Bench) => Promise<R>): (bench: Bench) => Promise<R> {
  const made = new WeakMap<Bench, Promise<R>>();
  return (bench) => {
    const known = made.get(bench) ?? make(bench);
    made.set(bench, known);
    return known;
  };
}

/** The common input, and what a correct system makes of it. */
const inputOf = once(async (bench): Promise<Expectation> => {
  const { sampled, deadLetter } = topicsOf('input');
  await provision(bench, [deadLetter]);
  const expectation = createExpectation();
  await publish(bench, sampled, (value) => {
    expectation.add(value);
    return { key: value.vehicle_id, message: { type: 'VehicleSampled', value } };
  });
  return expectation;
});

/** The same log as position records. */
const positionsOf = once(async (bench): Promise<Expectation> => {
  const { position, deadLetter } = topicsOf('input');
  await provision(bench, [deadLetter]);
  const expectation = createExpectation();
  await publish(bench, position, (sampled, index) => {
    expectation.add({ ...sampled, vehicle_id: positionKey(sampled) });
    const value = positionOf(sampled, index);
    const traceparent = traceparentOf(index);
    return {
      key: positionKey(sampled),
      message: { type: 'PositionRecorded', value },
      traceparent,
    };
  });
  return expectation;
});

function produce(name: string, output: 'produced' | 'positionProduced'): Case {
  return async (bench, run) => {
    const topic: Topic = topicsOf(run)[output];
    await provision(bench, [topic]);
    const { digest, ...result } = await runClient(settingOf(bench, name, run));
    const found = createDigest();
    await readAll(bench, topic, ({ key, message }) => {
      const { event_time, latitude } = message.value as VehicleSampled;
      found.add(key, event_time, latitude);
    });
    expectEqual('records in the topic', found.text(), digest);
    return result;
  };
}

function consume(name: string, input: (bench: Bench) => Promise<Expectation>): Case {
  return async (bench, run) => {
    const expected = await input(bench);
    const { digest, ...result } = await runClient(settingOf(bench, name, run));
    expectEqual('sum of what was read', digest, String(expected.checksum()));
    return result;
  };
}

const transactMap: Case = async (bench, run) => {
  const expected = await inputOf(bench);
  const { mapped } = topicsOf(run);
  await provision(bench, [mapped]);
  const result = await runClient(settingOf(bench, 'transact-map', run));
  const found = createDigest();
  await readAll<Mapped>(bench, mapped, ({ key, message }) => {
    const { vehicle, occurred_time, latitude } = message.value;
    expectEqual('key', key, vehicle);
    found.add(key, occurred_time, latitude);
  });
  expectEqual('records in the topic', found.text(), expected.digest.text());
  return result;
};

const transactPosition: Case = async (bench, run) => {
  const expected = await positionsOf(bench);
  const { positionOut } = topicsOf(run);
  await provision(bench, [positionOut]);
  const before = await bench.admin.ends([positionOut]);
  const result = await runClient(settingOf(bench, 'transact-position', run));
  const found = createDigest();
  await readAll(bench, positionOut, ({ topic, partition, offset, key, message }) => {
    // The topic is that of the product, so earlier runs wrote into it too.
    if (offset < (before.get(`${topic.name}/${partition}`) ?? 0n)) return;
    const { event_time, latitude } = message.value as PositionRecorded;
    found.add(key, event_time, latitude);
  });
  expectEqual('records in the topic', found.text(), expected.digest.text());
  return result;
};

const transactWindow: Case = async (bench, run) => {
  const expected = await inputOf(bench);
  const { windows, windowState } = topicsOf(run);
  await provision(bench, [windows, windowState]);
  const result = await runClient(settingOf(bench, 'transact-window', run));
  for (const topic of [windows, windowState]) {
    const last = new Map<string, string>();
    await readAll(bench, topic, ({ key, message }) => {
      last.set(key, JSON.stringify(message.value));
    });
    expectEqual(`${topic.name}: windows`, last.size, expected.windows.size);
    for (const [key, value] of expected.windows) {
      expectEqual(`${topic.name}: ${key}`, last.get(key), JSON.stringify(value));
    }
  }
  return result;
};

const projectLatest: Case = async (bench, run) => {
  const expected = await inputOf(bench);
  await bench.database.query(tablesOf(run));
  const result = await runClient(settingOf(bench, 'project-latest', run));
  const { rows } = await bench.database.query<
    Omit<VehicleSampled, 'event_time'> & { time: string }
  >(readLatest(run));
  expectEqual('rows', rows.length, expected.newest.size);
  for (const { time, ...row } of rows) {
    const newest = expected.newest.get(row.vehicle_id);
    const found = JSON.stringify({ ...newest, ...row, event_time: Number(time) });
    expectEqual(`row of ${row.vehicle_id}`, found, JSON.stringify(newest));
  }
  return result;
};

const projectInsert: Case = async (bench, run) => {
  const expected = await inputOf(bench);
  await bench.database.query(tablesOf(run));
  const result = await runClient(settingOf(bench, 'project-insert', run));
  const { rows } = await bench.database.query<{ text: string }>(sumHistory(run));
  expectEqual('sums of the rows', rows[0]?.text, expected.history());
  return result;
};

/** The changelog as `transact-window` writes it, then a start of that service on an empty input. */
const restore: Case = async (bench, run) => {
  const { sampled, windows, windowState, deadLetter } = topicsOf(run);
  await provision(bench, [sampled, windows, deadLetter]);
  const known = new Map<string, WindowCounted>();
  await publish(bench, windowState, (sample) => {
    const key = windowKey(sample.vehicle_id, sample.event_time);
    const value = counted(known.get(key), sample);
    known.set(key, value);
    return { key, message: { type: 'WindowCounted', value } };
  });
  const { digest, ...result } = await runClient(settingOf(bench, 'restore', run));
  expectEqual('entries and samples', digest, `${known.size}|${bench.warmup + bench.events}`);
  return result;
};

const FEW_TASKS = 4;
const MANY_TASKS = 16;

/** A service without work, with few and with many tasks, and what one task more costs. */
const idle: Case = async (bench, run) => {
  const found: RunResult[] = [];
  for (const tasks of [FEW_TASKS, MANY_TASKS]) {
    const namespace = `${bench.connection.namespace}${tasks}-tasks-`;
    const admin = await connectAdmin({ ...bench.connection, namespace, clientId: 'bench', logger });
    const { sampled, windows, windowState, deadLetter } = topicsOf(run);
    const topics = [sampled, windows, windowState, deadLetter] as unknown as readonly Topic[];
    await admin.provision(topics, { task: tasks, source: tasks });
    await admin.close();
    const setting = settingOf(bench, 'idle', run);
    found.push(await runClient({ ...setting, namespace }));
  }
  const [few, many] = found;
  return {
    cpu_percent_4_tasks: few?.cpu_percent ?? 0,
    cpu_percent_16_tasks: many?.cpu_percent ?? 0,
    rss_mib_4_tasks: few?.rss_mib ?? 0,
    rss_mib_16_tasks: many?.rss_mib ?? 0,
    rss_mib_per_task: round(
      ((many?.rss_mib ?? 0) - (few?.rss_mib ?? 0)) / (MANY_TASKS - FEW_TASKS),
      2,
    ),
  };
};

/** The cases that read or write logs and tables of the common workload. */
export const commonCases: Readonly<Record<string, Case>> = {
  produce: produce('produce', 'produced'),
  consume: consume('consume', inputOf),
  'transact-map': transactMap,
  'transact-window': transactWindow,
  'project-latest': projectLatest,
  'project-insert': projectInsert,
  'produce-position': produce('produce-position', 'positionProduced'),
  'consume-position': consume('consume-position', positionsOf),
  'transact-position': transactPosition,
  restore,
  idle,
};
