import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Message } from '@waybill/contracts';
import { text, textOf, topics } from '../cluster.ts';
import { withSystem, type Systems } from './system.ts';

export function tablesContract(systems: () => Systems): void {
  describe('follow', () => {
    it('reads tables whole before it resolves, then every change and tombstone', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        const publisher = await streams.publisher([topics.table, topics.state]);
        const put = (key: string, message: Message | null, topic = topics.table): Promise<void> =>
          publisher.send([{ topic, key, message }]);
        await put('a', text('1'));
        await put('a', text('2'));
        await put('b', text('1'));
        await put('b', null);
        await put('c', text('5'), topics.state);
        const seen: string[] = [];
        const { tables, stop } = await streams.follow([topics.table, topics.state], (t, k, m) => {
          seen.push(`${t.name} ${k}=${textOf(m)}`);
        });
        assert.equal(textOf(tables.get(topics.table, 'a')), '2');
        assert.equal(tables.get(topics.table, 'b'), undefined);
        assert.deepEqual(
          [...tables.entries(topics.table)].map(([key]) => key),
          ['a'],
        );
        assert.equal(textOf(tables.get(topics.state, 'c')), '5');
        const ofTable = seen.filter((line) => line.startsWith(topics.table.name));
        assert.deepEqual(
          ofTable,
          ['a=1', 'a=2', 'b=1', 'b='].map((s) => `${topics.table.name} ${s}`),
        );
        await put('a', text('3'));
        await put('c', null, topics.state);
        await system.until('the changes came', () => seen.length === 7);
        assert.equal(textOf(tables.get(topics.table, 'a')), '3');
        assert.equal(tables.get(topics.state, 'c'), undefined);
        await stop();
      }));

    it('leaves the last good value when a record cannot be decoded, and says so', () =>
      withSystem(systems, async (system) => {
        const streams = await system.connect();
        const publisher = await streams.publisher([topics.state]);
        await publisher.send([{ topic: topics.state, key: 'a', message: text('1') }]);
        await system.poison('a', topics.state);
        const { tables } = await streams.follow([topics.state]);
        assert.equal(textOf(tables.get(topics.state, 'a')), '1');
        const line = system.lines.find(({ message }) => message === 'table.record_undecodable');
        assert.equal(line?.fields['key'], 'a');
      }));
  });
}
