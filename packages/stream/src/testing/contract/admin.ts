import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allTopics } from '@waybill/contracts';
import { isFault } from '@waybill/fault';
import { PARTITIONS, text, topics } from '../cluster.ts';
import { withSystem, type Systems } from './system.ts';

export function adminContract(systems: () => Systems): void {
  describe('admin', () => {
    it('provisions the whole catalogue, twice and at the same time, with one result', () =>
      withSystem(systems, async ({ admin, connect }) => {
        const counts = { task: 8, source: 4 };
        await Promise.all([admin.provision(allTopics, counts), admin.provision(allTopics, counts)]);
        await admin.provision(allTopics, counts);
        const ends = await admin.ends(allTopics);
        const expected = allTopics.map((t) => ({ ...counts, single: 1 })[t.partitioning]);
        assert.equal(
          ends.size,
          expected.reduce((sum, count) => sum + count, 0),
        );
        assert.ok([...ends.values()].every((end) => end === 0n));
        await (await connect()).publisher(allTopics);
      }));

    it('refuses a topic that exists with another partition count, and names it', () =>
      withSystem(systems, async ({ admin }) => {
        await assert.rejects(
          admin.provision([topics.input], { ...PARTITIONS, task: 5 }),
          (e) =>
            isFault(e) &&
            e.kind === 'misconfigured' &&
            e.code === 'PARTITION_COUNT_CHANGED' &&
            e.message.includes('test.input.event.v1: 4 instead of 5'),
        );
      }));

    it('says where every partition ends', () =>
      withSystem(systems, async ({ admin, connect }) => {
        const publisher = await (await connect()).publisher([topics.table]);
        const record = { topic: topics.table, key: 'a', message: text('1') };
        await publisher.send([record, record]);
        assert.deepEqual(
          await admin.ends([topics.table]),
          new Map([[`${topics.table.name}/0`, 2n]]),
        );
        await assert.rejects(
          admin.ends([{ ...topics.input, name: 'test.nowhere.event.v1' }]),
          (e) => isFault(e) && e.code === 'TOPIC_MISSING',
        );
      }));
  });
}
