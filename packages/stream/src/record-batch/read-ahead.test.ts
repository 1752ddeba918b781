import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { batchOf } from '../testing/batches.ts';
import { patientFetch, readAhead, type FetchAnswer, type FetchQuestion } from './read-ahead.ts';

/** A log of two partitions with one record per offset up to its end; says what it was asked. */
function fakeBroker(ends: Record<number, number>) {
  const asked: string[] = [];
  const failing = new Set<number>();
  const fetch = async ({ topics }: FetchQuestion): Promise<FetchAnswer> => {
    const partitions = topics.flatMap((topic) => topic.partitions);
    asked.push(partitions.map((p) => `${p.partition}@${p.fetchOffset}`).join(' '));
    if (failing.delete(asked.length)) throw new Error('away');
    const answers = partitions.map(({ partition, fetchOffset }) => {
      const baseOffset = Number(fetchOffset);
      const count = Math.min(2, (ends[partition] ?? 0) - baseOffset);
      const records = Array.from({ length: count }, () => ({ key: 'k', value: 'v' }));
      const messages = count > 0 ? batchOf(records, { baseOffset }) : Buffer.alloc(0);
      return { partition, messages };
    });
    return { responses: [{ topicName: 't', partitions: answers }] };
  };
  return { asked, failing, fetch: readAhead(fetch) };
}

const question = (offsets: Record<number, number>): FetchQuestion => ({
  maxWaitTime: 200,
  topics: [
    {
      topic: 't',
      partitions: Object.entries(offsets).map(([partition, offset]) => ({
        partition: Number(partition),
        fetchOffset: String(offset),
      })),
    },
  ],
});

const brought = ({ responses }: FetchAnswer): readonly string[] =>
  responses.flatMap(({ partitions }) =>
    partitions.map(({ partition, messages }) =>
      messages.length === 0 ? `${partition} none` : `${partition}@${messages.readBigInt64BE(0)}`,
    ),
  );

describe('readAhead', () => {
  it('asks behind an answer at once, and not at all while nothing comes', async () => {
    const { asked, fetch } = fakeBroker({ 0: 4, 1: 0 });
    assert.deepEqual(brought(await fetch(question({ 0: 0, 1: 0 }))), ['0@0', '1 none']);
    assert.deepEqual(asked, ['0@0 1@0', '0@2 1@0']);
    assert.deepEqual(brought(await fetch(question({ 0: 2, 1: 0 }))), ['0@2', '1 none']);
    assert.deepEqual(brought(await fetch(question({ 0: 4, 1: 0 }))), ['0 none', '1 none']);
    assert.deepEqual(asked, ['0@0 1@0', '0@2 1@0', '0@4 1@0']);
    await fetch(question({ 0: 4, 1: 0 }));
    assert.equal(asked.length, 4);
  });

  it('leaves out what was sought, paused or resumed meanwhile', async () => {
    const { asked, fetch } = fakeBroker({ 0: 8, 1: 8 });
    await fetch(question({ 0: 0, 1: 0 }));
    assert.deepEqual(brought(await fetch(question({ 0: 2, 1: 6 }))), ['0@2']);
    assert.deepEqual(brought(await fetch(question({ 0: 0, 1: 6 }))), ['1@6']);
    const before = asked.length;
    assert.deepEqual(brought(await fetch(question({ 0: 5 }))), ['0@5']);
    assert.equal(asked[before], '0@5', 'nothing of what lay ahead fits');
  });

  it('asks again itself when asking ahead failed', async () => {
    const { asked, failing, fetch } = fakeBroker({ 0: 8 });
    failing.add(2);
    await fetch(question({ 0: 0 }));
    assert.deepEqual(brought(await fetch(question({ 0: 2 }))), ['0@2']);
    assert.deepEqual(asked.slice(0, 3), ['0@0', '0@2', '0@2']);
    failing.add(asked.length + 1);
    await fetch(question({ 0: 4 }));
    failing.add(asked.length + 1);
    await assert.rejects(fetch(question({ 0: 6 })), /away/);
  });
});

describe('patientFetch', () => {
  it('waits longer while nothing comes, and as long as it was told once something did', async () => {
    const waits: number[] = [];
    let records = 0;
    const fetch = patientFetch(async ({ maxWaitTime }: FetchQuestion): Promise<FetchAnswer> => {
      waits.push(maxWaitTime);
      const messages = Buffer.alloc(records);
      return { responses: [{ topicName: 't', partitions: [{ partition: 0, messages }] }] };
    });
    for (let asked = 0; asked < 26; asked += 1) await fetch(question({ 0: 0 }));
    assert.deepEqual(waits.slice(24), [200, 500]);
    records = 1;
    await fetch(question({ 0: 0 }));
    await fetch(question({ 0: 0 }));
    assert.deepEqual(waits.slice(26), [500, 200]);
    await fetch({ ...question({ 0: 0 }), maxWaitTime: 900 });
    assert.equal(waits.at(-1), 900);
  });
});
