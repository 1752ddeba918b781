import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Message, Topic } from '@waybill/contracts';
import { createCodecs } from './codec.ts';
import { partitionFor } from './partition.ts';
import type { Received } from './port.ts';
import { createComparison } from './rework-comparison.ts';
import { differenceOf } from './rework-diff.ts';
import type { ReworkGuard } from './rework-guard.ts';
import type { ReworkLog } from './rework-host.ts';
import { topics } from './testing/cluster.ts';
import { alert, elementId } from './testing/reworks.ts';

describe('the difference of two elements', () => {
  it('names each field that differs, in any depth, with both values', () => {
    const trace = { topic: 'raw', partition: 0, offset: 5, index: 2 };
    const { changes, leftOut } = differenceOf(
      alert('1', { trace: { ...trace, index: 1 } }),
      alert('1', { trace, geofence_id: 'test:site' }),
    );
    assert.deepEqual(changes, [
      { field: 'geofence_id', before: 'null', after: '"test:site"' },
      { field: 'trace.index', before: '1', after: '2' },
    ]);
    assert.equal(leftOut, 0);
  });

  const of = (value: object): Message => ({ type: 'X', value });
  const cases: readonly [string, Message | null, Message | null, readonly unknown[]][] = [
    ['bytes as hex', of({ a: Buffer.from([1]) }), of({ a: Buffer.from([255]) }), ['01', 'ff']],
    ['integers beyond doubles', of({ a: 2n ** 60n }), of({ a: 1n }), [String(2n ** 60n), '1']],
    ['elements of a list', of({ a: [1, 2] }), of({ a: [1, 3] }), ['2', '3']],
    ['a list that became empty', of({ a: [1] }), of({ a: [] }), ['1', null, null, '[]']],
    ['a field that is gone', of({ a: 1 }), of({}), ['1', null, null, '{}']],
    ['a tombstone', of({ a: 1 }), null, ['"X"', null, '1', null]],
    ['nothing', of({ a: { b: 1 } }), of({ a: { b: 1 } }), []],
  ];
  for (const [title, before, after, expected] of cases) {
    it(`shows ${title}`, () => {
      const { changes } = differenceOf(before, after);
      assert.deepEqual(
        changes.flatMap((change) => [change.before, change.after]),
        expected,
      );
    });
  }

  it('is bounded: 10 fields, 100 characters, nothing that looks like a secret', () => {
    const many = (suffix: string) =>
      of(Object.fromEntries(Array.from({ length: 14 }, (_, at) => [`f${at}`, `${at}${suffix}`])));
    const { changes, leftOut } = differenceOf(
      many('x'.repeat(500)),
      many(` token=${'s'.repeat(40)}`),
    );
    assert.deepEqual([changes.length, leftOut], [10, 4]);
    for (const { before, after } of changes) {
      assert.equal(before?.length, 100);
      assert.match(after ?? '', /token=\[redacted\]/);
    }
  });

  it('sees a difference behind what it shows', () => {
    const long = (end: string) => of({ a: 'x'.repeat(300) + end });
    assert.equal(differenceOf(long('1'), long('2')).changes.length, 1);
  });
});

describe('the comparison of a preview', () => {
  const event = topics.alert as unknown as Topic;
  const registry = { idOf: async () => 1, textOf: async () => undefined, register: async () => 1 };
  const guard: ReworkGuard = {
    update: async () => undefined,
    isSuperseded: () => false,
    published: { get: () => undefined, entries: () => new Map<string, never>().entries() },
    close: async () => undefined,
  };

  /** Elements of key "k" against what stands in its partition; `asked` are the times looked up. */
  async function compare(
    published: readonly Message[],
    made: readonly Message[],
    parts: readonly number[] = [published.length],
  ) {
    const codecs = createCodecs(registry, '');
    await codecs.bind([event]);
    const asked: number[] = [];
    const partition = partitionFor('k', 4);
    const log: ReworkLog = {
      bounds: async () =>
        new Map([[`${event.name}/${partition}`, { low: 0n, high: BigInt(published.length) }]]),
      atTime: async (_topic, _partition, ms) => {
        asked.push(ms);
        return 0n;
      },
      read: async function* () {
        let at = 0;
        for (const size of parts) {
          const some = published.slice(at, at + size);
          at += size;
          yield { received: some.map((message) => ({ message }) as Received), unreadable: [] };
        }
      },
      follow: () => Promise.reject(new Error('the guard follows')),
      now: () => 0,
      wait: async () => undefined,
    };
    const writable = new Map([[event.name, 4]]);
    const comparison = createComparison({ codecs, log, writable }, guard);
    for (const time of [5_000_000, 4_000_000]) comparison.published(time);
    for (const [offset, message] of made.entries()) {
      const record = { topic: event, key: 'k', message };
      comparison.add(record, codecs.encode(event, message), offset);
    }
    return { asked, ...(await comparison.result()) };
  }

  it('takes the newest published revision, and the last one made', async () => {
    const { compared, findings, asked } = await compare(
      [
        alert('1', { revision: 7, alert: 'geofence_exit' }),
        alert('1', { revision: 3 }),
        alert('2'),
      ],
      [alert('1', { revision: 9 }), alert('1', { revision: 7 }), alert('2'), alert('3')],
    );
    assert.deepEqual(compared, {
      ...{ elements_new: 1, elements_changed: 1, elements_same: 1, elements_unknown: 0 },
    });
    assert.deepEqual(
      findings.map(({ id, comparison, changes }) => [id, comparison, changes]),
      [
        [
          elementId('1'),
          'CHANGED',
          [{ field: 'alert', before: '"geofence_exit"', after: '"geofence_enter"' }],
        ],
        [elementId('3'), 'NEW', []],
      ],
    );
    assert.deepEqual(asked, [4_000_000 - 600_000], 'from before the first chosen record');
  });

  it('tells at most 100 elements, and counts all', async () => {
    const made = Array.from({ length: 130 }, (_, at) => alert(String(at)));
    const { compared, findings } = await compare([], made);
    assert.deepEqual([compared.elements_new, findings.length], [130, 100]);
  });

  it('keeps at most 10,000 elements; of the others nobody can tell', async () => {
    const made = Array.from({ length: 10_007 }, (_, at) => alert(String(at)));
    const { compared } = await compare([], made);
    assert.deepEqual([compared.elements_new, compared.elements_unknown], [10_000, 7]);
  });

  it('reads at most a million records; what it did not find by then is unknown, not new', async () => {
    const one = alert('1');
    const many = Array.from({ length: 1_000_000 }, () => one);
    const { compared } = await compare(
      [...many, alert('2')],
      [alert('1'), alert('2')],
      [1_000_000, 1],
    );
    assert.deepEqual(compared, {
      ...{ elements_new: 0, elements_changed: 0, elements_same: 1, elements_unknown: 1 },
    });
  });
});
