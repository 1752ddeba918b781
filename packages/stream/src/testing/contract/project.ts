import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fault, isFault } from '@waybill/fault';
import type { ProjectionStore, ProjectOptions } from '../../port.ts';
import { partitionFor } from '../../partition.ts';
import { atEnd, PARTITIONS, text, topics } from '../cluster.ts';
import { publish } from './counter.ts';
import { failureOf, withSystem, type Systems } from './system.ts';

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
  const failNext = (count: number): void => {
    failures = count;
  };
  return { rows, offsets, store, failNext };
}

type Database = ReturnType<typeof fakeDatabase>;

function projection(
  { store }: Database,
  extra: Partial<ProjectOptions<string[]>> = {},
): ProjectOptions<string[]> {
  return {
    service: 'projector',
    inputs: [topics.input],
    store,
    handle: async (records, tx) => void tx.push(...records.map(({ key }) => key)),
    ...extra,
  };
}

const keys = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${prefix}${at}`);

export function projectContract(systems: () => Systems): void {
  describe('project', () => {
    it('projects every record once and goes on from the offsets of the database', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        const database = fakeDatabase();
        await publish(streams, keys('a', 3_000));
        const first = await streams.project(projection(database));
        await system.until('all are projected', () => atEnd(system, first));
        await first.stop();
        await publish(streams, keys('b', 100));
        const second = await streams.project(projection(database));
        await system.until('all are projected', () => atEnd(system, second));
        assert.equal(database.rows.length, 3_100);
        assert.equal(new Set(database.rows).size, 3_100);
      }));

    it('keeps the order of each partition', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        const database = fakeDatabase();
        const seen: bigint[] = [];
        await publish(
          streams,
          Array.from({ length: 500 }, () => 'a'),
        );
        const runner = await streams.project(
          projection(database, {
            handle: async (records) => void seen.push(...records.map(({ offset }) => offset)),
          }),
        );
        await system.until('all are projected', () => atEnd(system, runner));
        assert.deepEqual(
          seen,
          Array.from({ length: 500 }, (_, at) => BigInt(at)),
        );
      }));

    it('goes on at the first record that retention left', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        const database = fakeDatabase();
        const partition = partitionFor('a', PARTITIONS.task);
        await publish(streams, ['a', 'a', 'a']);
        await system.deleteBefore(topics.input, partition, 1n);
        const first = await streams.project(projection(database));
        await system.until('all are projected', () => atEnd(system, first));
        await first.stop();
        assert.deepEqual(database.rows, ['a', 'a']);
        await publish(streams, ['a', 'a']);
        await system.deleteBefore(topics.input, partition, 4n);
        const second = await streams.project(projection(database));
        await system.until('all are projected', () => atEnd(system, second));
        assert.deepEqual(database.rows, ['a', 'a', 'a']);
        assert.ok(system.lines.some((l) => l.message === 'stream.records_lost_by_retention'));
      }));

    it('waits while the database is away', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        const database = fakeDatabase();
        database.failNext(3);
        await publish(streams, keys('a', 10));
        const runner = await streams.project(projection(database));
        await system.until('all are projected', () => atEnd(system, runner));
        assert.deepEqual(database.rows.toSorted(), keys('a', 10).toSorted());
      }));

    it('leaves what another owner projected and reads the offsets again', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        const database = fakeDatabase();
        await publish(streams, keys('a', 100));
        const runner = await streams.project(projection(database));
        await system.until('all are projected', () => atEnd(system, runner));
        // The other owner has projected the next record of every partition already.
        for (const [place, next] of database.offsets) database.offsets.set(place, next + 1n);
        await publish(streams, keys('b', 100));
        await system.until('the rest is projected', () => atEnd(system, runner));
        const of = (prefix: string): number =>
          database.rows.filter((row) => row.startsWith(prefix)).length;
        assert.deepEqual([of('a'), of('b')], [100, 96]);
        assert.equal(new Set(database.rows).size, database.rows.length);
      }));

    it('ends with the Fault of a handler that is broken', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        const database = fakeDatabase();
        await publish(streams, ['a']);
        const runner = await streams.project(
          projection(database, { handle: () => Promise.reject(new TypeError('no such thing')) }),
        );
        const failure = await failureOf(system, runner);
        assert.ok(isFault(failure) && failure.kind === 'bug', String(failure));
        assert.deepEqual(database.rows, []);
        assert.equal(database.offsets.size, 0);
      }));

    it('sends what cannot be decoded to the dead letters, or skips it with a warning', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        await publish(streams, ['a']);
        await system.poison('a', topics.input);
        await publish(streams, ['a']);
        const kept = fakeDatabase();
        const { deadLetter } = topics;
        const first = await streams.project(projection(kept, { deadLetter }));
        await system.until('all are projected', () => atEnd(system, first));
        assert.deepEqual(kept.rows, ['a', 'a']);
        const letters = (await system.letters()).map(({ code, trace }) => [code, trace.offset]);
        assert.deepEqual(letters, [['UNDECODABLE', 1]]);
        const skipping = fakeDatabase();
        const second = await streams.project(projection(skipping, { service: 'other' }));
        await system.until('all are projected', () => atEnd(system, second));
        assert.deepEqual(skipping.rows, ['a', 'a']);
        assert.ok(system.lines.some(({ message }) => message === 'record.undecodable'));
        assert.equal((await system.letters()).length, 1);
      }));

    it('shows tables before the first record and lets handlers read them', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        const database = fakeDatabase();
        const publisher = await streams.publisher([topics.table]);
        await publisher.send([{ topic: topics.table, key: 'zone', message: text('1') }]);
        await publish(streams, ['a']);
        const seen: string[] = [];
        const runner = await streams.project(
          projection(database, {
            tables: [topics.table],
            onTable: async (_topic, key) => void seen.push(key),
            handle: async (records, tx, tables) => {
              assert.deepEqual(seen, ['zone']);
              assert.ok(tables.get(topics.table, 'zone'));
              tx.push(...records.map(({ key }) => key));
            },
          }),
        );
        await system.until('all are projected', () => atEnd(system, runner));
        assert.deepEqual(database.rows, ['a']);
      }));
  });
}
