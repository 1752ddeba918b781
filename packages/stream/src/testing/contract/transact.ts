import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { partitionFor } from '../../partition.ts';
import { atEnd, PARTITIONS, text, textOf, topics } from '../cluster.ts';
import { counter, echo, ofKey, publish } from './counter.ts';
import { withSystem, type Systems } from './system.ts';

const numbered = (count: number, keys: number): string[] =>
  Array.from({ length: count }, (_, at) => `k${at % keys}`);

/** *transact* while nothing fails. */
export function transactContract(systems: () => Systems): void {
  describe('transact', () => {
    it('maps every record once, in order per key, with its state', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        await publish(streams, numbered(5_000, 50));
        const runner = await streams.transact(counter());
        await system.until('everything is read', () => atEnd(system, runner));
        await runner.stop();
        const out = await system.read(topics.output);
        assert.equal(out.length, 5_000);
        const expected = Array.from({ length: 100 }, (_, at) => `k7=${at + 1}`);
        assert.deepEqual(ofKey(out, 'k7'), expected);
        assert.equal(
          (await system.read(topics.state)).findLast((s) => s.startsWith('k7=')),
          'k7=100',
        );
      }));

    it('restores the state of every task before the first record, and goes on where it stopped', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        await publish(streams, ['a', 'b', 'a']);
        const first = await streams.transact(counter());
        await system.until('the first run is done', () => atEnd(system, first));
        await first.stop();
        await publish(streams, ['a', 'b']);
        const second = await (await system.connect()).transact(counter());
        await system.until('the second run is done', () => atEnd(system, second));
        const out = await system.read(topics.output);
        assert.deepEqual(ofKey(out, 'a'), ['a=1', 'a=2', 'a=3']);
        assert.deepEqual(ofKey(out, 'b'), ['b=1', 'b=2']);
      }));

    it('forgets what was deleted: a tombstone in the changelog, nothing after the restore', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        const publisher = await streams.publisher([topics.input]);
        const write = (value: string): Promise<void> =>
          publisher.send([{ topic: topics.input, key: 'a', message: text(value) }]);
        const forgetful = counter({
          createTask: ({ store }) => ({
            handle: (records, out) => {
              for (const { key, message } of records) {
                const known = store.get(key) !== undefined;
                out.emit({ topic: topics.output, key, message: text(known ? 'known' : 'new') });
                if (textOf(message) === 'delete') store.delete(key);
                else store.put(key, 1);
                assert.equal(store.get(key) === undefined, textOf(message) === 'delete');
              }
            },
          }),
        });
        const first = await streams.transact(forgetful);
        await write('put');
        await system.until('it is put', () => atEnd(system, first));
        await write('delete');
        await system.until('it is deleted', () => atEnd(system, first));
        await first.stop();
        await write('put');
        const second = await streams.transact(forgetful);
        await system.until('it is put again', () => atEnd(system, second));
        assert.deepEqual(await system.read(topics.output), ['a=new', 'a=known', 'a=new']);
        assert.deepEqual(await system.read(topics.state), ['a=1', 'a=', 'a=1']);
      }));

    it('shares the tasks of two instances and hands them over when one leaves', () =>
      withSystem(systems, async (system) => {
        const one = await system.connect();
        const first = await one.transact(counter());
        await system.until('the first owns all', () => first.positions().length === 4);
        const second = await (await system.connect()).transact(counter());
        await system.until(
          'each owns two',
          () => first.positions().length === 2 && second.positions().length === 2 && second.ready(),
        );
        await publish(one, numbered(400, 20));
        await system.until('both caught up', async () => {
          const ends = await system.admin.ends([topics.input]);
          const at = [...first.positions(), ...second.positions()];
          return (
            at.length === 4 && at.every((p) => ends.get(`${p.topic}/${p.partition}`) === p.next)
          );
        });
        await first.stop();
        await publish(one, numbered(400, 20));
        await system.until('the second read everything', () => atEnd(system, second));
        const out = await system.read(topics.output);
        assert.equal(out.length, 800);
        const expected = Array.from({ length: 40 }, (_, at) => `k3=${at + 1}`);
        assert.deepEqual(ofKey(out, 'k3'), expected);
      }));

    it('handles all inputs of a partition in one task, each in offset order', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        await publish(streams, ['a', 'a', 'a']);
        await publish(streams, ['a', 'a', 'a'], topics.other);
        const runner = await streams.transact(counter({ inputs: [topics.input, topics.other] }));
        const inputs = [topics.input, topics.other];
        await system.until('everything is read', () => atEnd(system, runner, inputs));
        const out = await system.read(topics.output);
        assert.deepEqual(out, ['a=1', 'a=2', 'a=3', 'a=4', 'a=5', 'a=6']);
      }));

    it('writes into the partition of the key, of the partition key, or the one that is named', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        await publish(streams, ['a']);
        const named = (partitionFor('a', 4) + 1) % 4;
        const spread = await streams.transact(
          counter({
            createTask: () => ({
              handle: (_records, out) => {
                const message = text('x');
                out.emit({ topic: topics.output, key: 'a', message });
                out.emit({ topic: topics.output, key: 'a/1', partitionKey: 'a', message });
                out.emit({ topic: topics.output, key: 'b', partition: named, message });
              },
            }),
          }),
        );
        await system.until('everything is read', () => atEnd(system, spread));
        const ends = await system.admin.ends([topics.output]);
        // Two records and a marker; one record and a marker.
        assert.equal(ends.get(`${topics.output.name}/${partitionFor('a', 4)}`), 3n);
        assert.equal(ends.get(`${topics.output.name}/${named}`), 2n);
      }));

    it('goes on at the first record that retention left, and says what is lost', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        const partition = partitionFor('a', PARTITIONS.task);
        const echoes = counter({ createTask: () => ({ handle: echo }) });
        await publish(streams, ['a']);
        const first = await streams.transact(echoes);
        await system.until('the first is read', () => atEnd(system, first));
        await first.stop();
        await publish(streams, ['a', 'a', 'a']);
        await system.deleteBefore(topics.input, partition, 3n);
        const second = await streams.transact(echoes);
        await system.until('the rest is read', () => atEnd(system, second));
        const lost = system.lines.find((l) => l.message === 'stream.records_lost_by_retention');
        assert.equal(lost?.level, 'error');
        assert.deepEqual([lost.fields['next'], lost.fields['first']], ['1', '3']);
        assert.deepEqual(await system.read(topics.output), ['a=0', 'a=2']);
      }));

    it('commits more bytes in one transaction than the broker takes in one batch', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        await publish(streams, ['a']);
        const big = 'x'.repeat(400_000);
        const runner = await streams.transact(
          counter({
            createTask: () => ({
              handle: (_records, out) => {
                for (let at = 0; at < 6; at += 1) {
                  out.emit({ topic: topics.output, key: 'a', message: text(`${at}${big}`) });
                }
              },
            }),
          }),
        );
        await system.until('everything is read', () => atEnd(system, runner));
        const out = await system.read(topics.output);
        assert.deepEqual(
          out.map((line) => line.slice(0, 3)),
          ['a=0', 'a=1', 'a=2', 'a=3', 'a=4', 'a=5'],
        );
      }));

    it('shows tables to every task before its first record, and changes while it is idle', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        const publisher = await streams.publisher([topics.table]);
        await publisher.send([{ topic: topics.table, key: 'zone', message: text('1') }]);
        await publish(streams, ['a']);
        const runner = await streams.transact(
          counter({
            tables: [topics.table],
            createTask: ({ partition, tables }) => ({
              handle: (records, out) => {
                const zone = textOf(tables.get(topics.table, 'zone'));
                for (const { key } of records) {
                  out.emit({ topic: topics.output, key, message: text(zone) });
                }
              },
              onTable: (_topic, key, message, out) => {
                const line = `${partition}:${message ? textOf(message) : 'gone'}`;
                out.emit({ topic: topics.output, key, message: text(line) });
              },
            }),
          }),
        );
        await system.until('everything is read', () => atEnd(system, runner));
        assert.ok((await system.read(topics.output)).includes('a=1'));
        const count = async (suffix: string): Promise<number> =>
          (await system.read(topics.output)).filter((line) => line.endsWith(suffix)).length;
        await publisher.send([{ topic: topics.table, key: 'zone', message: text('2') }]);
        await system.until('all tasks heard of the change', async () => (await count(':2')) === 4);
        await publisher.send([{ topic: topics.table, key: 'zone', message: null }]);
        await system.until('all heard of the tombstone', async () => (await count(':gone')) === 4);
        assert.equal(await count(':1'), 4);
      }));

    it('sends refused and undecodable elements to the dead letters, and the neighbours go on', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        await publish(streams, ['a', 'bad']);
        await system.poison('a', topics.input);
        await publish(streams, ['a']);
        const runner = await streams.transact(
          counter({
            createTask: () => ({
              handle: (records, out) => {
                for (const record of records) {
                  if (record.key === 'a') {
                    echo([record], out);
                    continue;
                  }
                  out.skip('not_reported', 2);
                  out.reject({
                    ...{ record, index: 3, elementId: 'e'.repeat(32), tenantId: null, unit: null },
                    ...{ code: 'SAMPLE_REFUSED', kind: 'refused', message: 'no', eventTime: 5 },
                    ...{ violations: [{ path: 'x', message: 'y' }], attempts: 2 },
                    original: Buffer.from('element'),
                  });
                }
              },
            }),
          }),
        );
        await system.until('everything is read', () => atEnd(system, runner));
        assert.deepEqual(await system.read(topics.output), ['a=0', 'a=0']);
        const letters = new Map((await system.letters()).map((letter) => [letter.code, letter]));
        assert.equal(letters.size, 2);
        const refused = letters.get('SAMPLE_REFUSED');
        assert.deepEqual(
          [refused?.service, refused?.trace.index, refused?.attempts, refused?.event_time],
          ['counter', 3, 2, 5],
        );
        assert.equal(refused?.original?.toString(), 'element');
        const broken = letters.get('UNDECODABLE');
        assert.equal(broken?.original?.toString(), 'not framed');
        assert.deepEqual([broken?.trace.topic, broken?.trace.offset], [topics.input.name, 1]);
      }));
  });
}
