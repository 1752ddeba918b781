import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Fault, isFault } from '@waybill/fault';
import { until } from '@waybill/testkit';
import type { ProjectionStore, ProjectOptions, Runner, Streams } from './port.ts';
import {
  openTestCluster,
  text,
  topics,
  type TestCluster,
  type TestSystem,
} from './testing/cluster.ts';

/** A database in memory: rows and offsets change together or not at all. */
function fakeDatabase() {
  const rows: string[] = [];
  const offsets = new Map<string, bigint>();
  let failures = 0;
  const store: ProjectionStore<string[]> = {
    offsets: async () => new Map(offsets),
    advance: async ({ topic, partition, from, next }, work) => {
      if (failures > 0) {
        failures -= 1;
        throw new Fault('away', { kind: 'transient', code: 'DB_UNAVAILABLE', stage: 'deliver' });
      }
      const place = `${topic}/${partition}`;
      if ((offsets.get(place) ?? 0n) !== from) return false;
      const staged: string[] = [];
      await work(staged);
      rows.push(...staged);
      offsets.set(place, next);
      return true;
    },
  };
  return {
    rows,
    offsets,
    store,
    failNext: (count: number): void => {
      failures = count;
    },
  };
}

type Database = ReturnType<typeof fakeDatabase>;

function projection(
  database: Database,
  extra: Partial<ProjectOptions<string[]>> = {},
): ProjectOptions<string[]> {
  return {
    service: 'projector',
    inputs: [topics.input],
    store: database.store,
    handle: async (records, tx) => {
      for (const { key } of records) tx.push(key);
    },
    ...extra,
  };
}

async function publish(streams: Streams, keys: readonly string[]): Promise<void> {
  const publisher = await streams.publisher([topics.input]);
  await publisher.send(keys.map((key) => ({ topic: topics.input, key, message: text('x') })));
  await publisher.close();
}

async function caughtUp(system: TestSystem, runner: Runner): Promise<boolean> {
  const ends = await system.admin.ends([topics.input]);
  const next = new Map(runner.positions().map((p) => [`${p.topic}/${p.partition}`, p.next]));
  return runner.ready() && [...ends].every(([place, end]) => next.get(place) === end);
}

describe('project', { timeout: 120_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await openTestCluster();
  });
  after(async () => {
    await cluster.stop();
  });

  const keys = (prefix: string, count: number): string[] =>
    Array.from({ length: count }, (_, i) => `${prefix}${i}`);

  it('projects every record once and goes on from the offsets of the database', async () => {
    const system = await cluster.system();
    const streams = await system.connect();
    const database = fakeDatabase();
    await publish(streams, keys('a', 3_000));
    const first = await streams.project(projection(database));
    await until('all are projected', () => caughtUp(system, first));
    await first.stop();
    await publish(streams, keys('b', 100));
    const second = await streams.project(projection(database));
    await until('all are projected', () => caughtUp(system, second));
    await second.stop();
    assert.equal(database.rows.length, 3_100);
    assert.equal(new Set(database.rows).size, 3_100);
    await system.close();
  });

  it('waits while the database is away', async () => {
    const system = await cluster.system();
    const streams = await system.connect();
    const database = fakeDatabase();
    database.failNext(3);
    await publish(streams, keys('a', 10));
    const runner = await streams.project(projection(database));
    await until('all are projected', () => caughtUp(system, runner));
    await runner.stop();
    assert.deepEqual(database.rows.toSorted(), keys('a', 10).toSorted());
    await system.close();
  });

  it('reads the offsets again when another owner moved them', async () => {
    const system = await cluster.system();
    const streams = await system.connect();
    const database = fakeDatabase();
    await publish(streams, keys('a', 100));
    const runner = await streams.project(projection(database));
    await until('all are projected', () => caughtUp(system, runner));
    // The other owner has projected the next record of every partition already.
    for (const [place, next] of database.offsets) database.offsets.set(place, next + 1n);
    await publish(streams, keys('b', 100));
    await until('the rest is projected', () => caughtUp(system, runner));
    await runner.stop();
    assert.equal(database.rows.filter((row) => row.startsWith('a')).length, 100);
    assert.equal(database.rows.filter((row) => row.startsWith('b')).length, 96);
    assert.equal(new Set(database.rows).size, database.rows.length);
    await system.close();
  });

  it('ends with the Fault of a handler that is broken', async () => {
    const system = await cluster.system();
    const streams = await system.connect();
    const database = fakeDatabase();
    await publish(streams, ['a']);
    const runner = await streams.project(
      projection(database, { handle: () => Promise.reject(new TypeError('no such thing')) }),
    );
    await assert.rejects(runner.done, (e) => isFault(e) && e.kind === 'bug');
    assert.deepEqual(database.rows, []);
    await system.close();
  });

  it('sends what cannot be decoded to the dead letters, or skips it with a warning', async () => {
    const system = await cluster.system();
    const streams = await system.connect();
    await publish(streams, ['a']);
    await system.poison('a');
    await publish(streams, ['a']);
    const kept = fakeDatabase();
    const { deadLetter } = topics;
    const first = await streams.project(projection(kept, { deadLetter }));
    await until('all are projected', () => caughtUp(system, first));
    await first.stop();
    assert.deepEqual(kept.rows, ['a', 'a']);
    const letters = await system.deadLetters();
    assert.deepEqual(
      letters.map(({ code, trace }) => [code, trace.offset]),
      [['UNDECODABLE', 1]],
    );
    const skipping = fakeDatabase();
    const second = await streams.project(projection(skipping, { service: 'other' }));
    await until('all are projected', () => caughtUp(system, second));
    await second.stop();
    assert.deepEqual(skipping.rows, ['a', 'a']);
    assert.ok(system.logger.lines.some(({ message }) => message === 'record.undecodable'));
    assert.equal((await system.deadLetters()).length, 1);
    await system.close();
  });

  it('shows tables before the first record and lets handlers read them', async () => {
    const system = await cluster.system();
    const streams = await system.connect();
    const database = fakeDatabase();
    const publisher = await streams.publisher([topics.table]);
    await publisher.send([{ topic: topics.table, key: 'zone', message: text('1') }]);
    await publish(streams, ['a']);
    const seen: string[] = [];
    const runner = await streams.project(
      projection(database, {
        tables: [topics.table],
        onTable: async (_topic, key) => {
          seen.push(key);
        },
        handle: async (records, tx, tables) => {
          assert.deepEqual(seen, ['zone']);
          assert.ok(tables.get(topics.table, 'zone'));
          tx.push(...records.map(({ key }) => key));
        },
      }),
    );
    await until('all are projected', () => caughtUp(system, runner));
    await runner.stop();
    assert.deepEqual(database.rows, ['a']);
    await system.close();
  });
});
