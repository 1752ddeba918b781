import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Message, ReworkAddress, Topic } from '@waybill/contracts';
import type { Emitter, Outgoing, Rejection } from './port.ts';
import { nothingReworked, reworkEmitter } from './rework-emitter.ts';
import type { ReworkGuard } from './rework-guard.ts';
import { planRework, type Planner } from './rework-plan.ts';
import { begunProgress, createReworkState } from './rework-state.ts';
import { text, topics } from './testing/cluster.ts';
import { command } from './testing/reworks.ts';

const open: ReworkGuard = {
  update: async () => undefined,
  isSuperseded: () => false,
  published: { get: () => undefined, entries: () => new Map<string, never>().entries() },
  close: async () => undefined,
};

describe('the emitter of a rework', () => {
  function run(index: number, guard: ReworkGuard = open) {
    const emitted: Outgoing[] = [];
    const rejected: Rejection[] = [];
    const out: Emitter = {
      emit: (record) => void emitted.push(record),
      reject: (rejection) => void rejected.push(rejection),
      skip: () => undefined,
      traceparent: () => undefined,
    };
    const report = nothingReworked();
    return { emitter: reworkEmitter(out, index, guard, report), emitted, rejected, report };
  }

  const traced = (index: number): Outgoing => ({
    topic: topics.output,
    key: 'k',
    message: { type: 'X', value: { trace: { index } } },
  });

  it('passes on the one element that was asked for, and what names none', () => {
    const { emitter, emitted, rejected, report } = run(3);
    for (const index of [2, 3, 4]) {
      emitter.emit(traced(index));
      emitter.reject({ index, code: 'BAD' } as Rejection);
    }
    emitter.emit({ topic: topics.output, key: 'state', message: text('no trace') });
    assert.deepEqual(
      emitted.map(({ key }) => key),
      ['k', 'state'],
    );
    assert.deepEqual(
      rejected.map(({ index }) => index),
      [3],
    );
    assert.deepEqual(
      [...report.outcomes],
      [
        [topics.output.name, 2],
        ['BAD', 1],
      ],
    );
  });

  it('passes on everything of a whole record, but nothing that is superseded', () => {
    const whole = run(-1);
    for (const index of [0, 1]) whole.emitter.emit(traced(index));
    assert.equal(whole.emitted.length, 2);
    const late = run(-1, { ...open, isSuperseded: () => true });
    late.emitter.emit(traced(0));
    assert.deepEqual([late.emitted.length, late.report.superseded], [0, 1]);
  });
});

describe('the state of reworks', () => {
  function memory() {
    const entries = new Map<string, Message>();
    const store = {
      get: (key: string) => entries.get(key),
      put: (key: string, value: Message) => void entries.set(key, value),
      delete: (key: string) => void entries.delete(key),
      entries: () => entries.entries(),
    };
    return { state: createReworkState(store, 2), entries };
  }

  it('counts each record of each topic, up to 255 times', () => {
    const { state, entries } = memory();
    for (let i = 0; i < 300; i += 1) state.raise('a', 5n);
    state.raise('a', 1_029n);
    state.raise('b', 5n);
    assert.deepEqual(
      [state.timesOf('a', 5n), state.timesOf('a', 1_029n), state.timesOf('b', 5n)],
      [255, 1, 1],
    );
    assert.deepEqual([state.timesOf('a', 6n), state.timesOf('c', 5n)], [0, 0]);
    const contract = topics.reworkState.contracts.ReworkCounted;
    for (const { value } of entries.values()) assert.deepEqual(contract.violations(value), []);
  });

  it('forgets the counts of blocks that retention deleted', () => {
    const { state } = memory();
    for (const offset of [5n, 1_500n, 2_500n]) state.raise('a', offset);
    state.raise('b', 5n);
    state.forget('a', 2_048n);
    assert.deepEqual(
      [5n, 1_500n, 2_500n].map((offset) => state.timesOf('a', offset)),
      [0, 0, 1],
    );
    assert.equal(state.timesOf('b', 5n), 1);
  });

  it('knows its epoch: records reworked for real, over all commands', () => {
    const { state } = memory();
    const begun = (id: number, preview: boolean) =>
      begunProgress(command(id, { preview }), { partition: 2, partitions: 4 }, 1);
    state.put({ ...begun(1, false), records_done: 7 });
    state.put({ ...begun(2, true), records_done: 100 });
    state.put({ ...begun(3, false), records_done: 5 });
    state.put({ ...begun(1, false), records_done: 9 });
    assert.equal(state.epoch(), 14);
  });
});

describe('the plan of a rework', () => {
  const name = topics.input.name;
  const times = new Map([
    [1_000, 20n],
    [2_000, 40n],
  ]);
  const log: Planner['log'] = {
    bounds: async () => new Map([[`${name}/1`, { low: 10n, high: 100n }]]),
    atTime: async (_topic: Topic, _partition: number, ms: number) => times.get(ms),
    // A plan without dead letters reads none.
    read: async function* () {},
  };
  const planner: Planner = {
    log,
    inputs: [topics.input],
    deadLetter: topics.deadLetter,
    partition: 1,
    partitions: 4,
    next: new Map([[name, 50n]]),
  };
  const spans = async (chosen: Parameters<typeof command>[1]): Promise<readonly string[]> =>
    (await planRework(planner, command(1, chosen))).spans.map(
      (s) => `${s.next}-${s.end}/${s.index}`,
    );

  const ranges: readonly [string, Parameters<typeof command>[1], readonly string[]][] = [
    ['everything: from the first record to the position', {}, ['10-50/-1']],
    ['times', { from_time: 1_000, to_time: 2_000 }, ['20-40/-1']],
    ['a time after the last record', { from_time: 9_999 }, []],
    [
      'offsets, not beyond the position',
      { partition: 1, from_offset: 30, to_offset: 70 },
      ['30-50/-1'],
    ],
    [
      'offsets below the first record',
      { partition: 1, from_offset: 0, to_offset: 12 },
      ['10-12/-1'],
    ],
    ['another partition', { partition: 2 }, []],
    ['another input', { topic: 'other' }, []],
  ];
  for (const [title, chosen, expected] of ranges) {
    it(`takes its share of ${title}`, async () => assert.deepEqual(await spans(chosen), expected));
  }

  it('takes a key only where its records are', async () => {
    const found = await Promise.all(
      Array.from({ length: 4 }, async (_, partition) => {
        const mine = { ...planner, partition };
        return (await planRework(mine, command(1, { key: 'k3' }))).spans.length;
      }),
    );
    assert.equal(
      found.reduce((a, b) => a + b, 0),
      1,
    );
  });

  it('takes addresses once, and counts what is not handled yet as missing', async () => {
    const at = (partition: number, offset: number, index = -1): ReworkAddress => ({
      ...{ topic: name, partition, offset, index },
    });
    const addresses = [at(1, 12), at(1, 12), at(1, 12, 4), at(1, 50), at(2, 12)];
    const plan = await planRework(planner, command(1, { addresses }));
    assert.equal(plan.missing, 1);
    assert.deepEqual(
      plan.spans.map(({ next, end, index }) => [next, end, index]),
      [
        [12, 13, -1],
        [12, 13, 4],
      ],
    );
  });
});
