import type { Pool } from '@waybill/postgres';
import type { StreamAdmin, Streams } from '@waybill/stream';
import type { Topic } from '@waybill/contracts';
import type { RunResult, RunSetting } from './clients.ts';
import { createDigest, createExpectation, type Expectation } from './expectation.ts';
import { readAll, sendAll } from './log.ts';
import { runClient } from './run-client.ts';
import { readLatest, sumHistory, tablesOf } from './tables.ts';
import { topicsOf, type Mapped, type Sampled, type VehicleSampled } from './topics.ts';
import { createWorkload, type WorkloadOptions } from './workload.ts';

/** What the runs of one call share. */
export interface Bench {
  readonly connection: Pick<RunSetting, 'brokers' | 'registryUrl' | 'namespace' | 'databaseUrl'>;
  readonly admin: StreamAdmin;
  readonly streams: Streams;
  readonly database: Pool;
  readonly log: (line: string) => void;
  readonly partitions: number;
  readonly warmup: number;
  readonly events: number;
  readonly workload: WorkloadOptions;
}

/** Figures of a run that passed its check; a wrong result throws. */
export type Case = (bench: Bench, run: string) => Promise<RunResult>;

function expectEqual(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) {
    throw new Error(`${what}: expected ${String(expected)}, found ${String(found)}`);
  }
}

async function provision(bench: Bench, topics: readonly unknown[]): Promise<void> {
  const { admin, partitions } = bench;
  await admin.provision(topics as readonly Topic[], { task: partitions, source: partitions });
}

function settingOf(bench: Bench, name: string, run: string): RunSetting {
  const { connection, warmup, events, workload } = bench;
  return { ...connection, case: name, run, warmup, events, workload };
}

const inputs = new WeakMap<Bench, Promise<Expectation>>();

async function fill(bench: Bench): Promise<Expectation> {
  const { sampled, deadLetter } = topicsOf('input');
  await provision(bench, [sampled, deadLetter]);
  const count = bench.warmup + bench.events;
  bench.log(`filling ${sampled.name} with ${count} events`);
  const expectation = createExpectation();
  const next = createWorkload(bench.workload);
  const publisher = await bench.streams.publisher([sampled]);
  await sendAll<Sampled>(publisher, count, () => {
    const value = next();
    expectation.add(value);
    return { topic: sampled, key: value.vehicle_id, message: { type: 'VehicleSampled', value } };
  });
  await publisher.close();
  return expectation;
}

/** The common input, filled when first needed, and what a correct system makes of it. */
function inputOf(bench: Bench): Promise<Expectation> {
  const known = inputs.get(bench);
  if (known !== undefined) return known;
  const filling = fill(bench);
  inputs.set(bench, filling);
  return filling;
}

const produce: Case = async (bench, run) => {
  const { produced } = topicsOf(run);
  await provision(bench, [produced]);
  const { digest, ...result } = await runClient(settingOf(bench, 'produce', run));
  const found = createDigest();
  await readAll<Sampled>(bench.streams, bench.admin, produced, ({ key, message }) => {
    found.add(key, message.value.event_time, message.value.latitude);
  });
  expectEqual('records in the topic', found.text(), digest);
  return result;
};

const consume: Case = async (bench, run) => {
  const expected = await inputOf(bench);
  const { digest, ...result } = await runClient(settingOf(bench, 'consume', run));
  expectEqual('sum of what was read', digest, String(expected.checksum()));
  return result;
};

const transactMap: Case = async (bench, run) => {
  const expected = await inputOf(bench);
  const { mapped } = topicsOf(run);
  await provision(bench, [mapped]);
  const result = await runClient(settingOf(bench, 'transact-map', run));
  const found = createDigest();
  await readAll<Mapped>(bench.streams, bench.admin, mapped, ({ key, message }) => {
    const { vehicle, occurred_time, latitude } = message.value;
    expectEqual('key', key, vehicle);
    found.add(key, occurred_time, latitude);
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
    await readAll(bench.streams, bench.admin, topic, ({ key, message }) => {
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

export const cases: Readonly<Record<string, Case>> = {
  produce,
  consume,
  'transact-map': transactMap,
  'transact-window': transactWindow,
  'project-latest': projectLatest,
  'project-insert': projectInsert,
};

export const caseNames: readonly string[] = Object.keys(cases);
