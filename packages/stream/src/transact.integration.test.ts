import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Fault, isFault } from '@waybill/fault';
import { until } from '@waybill/testkit';
import type { Emitter, Received, Runner, Streams, TransactOptions } from './port.ts';
import { partitionFor } from './partition.ts';
import {
  openTestCluster,
  text,
  textOf,
  topics,
  type TestCluster,
  type TestSystem,
} from './testing/cluster.ts';

type Options = TransactOptions<number>;

/** Counts records per key in the store and emits "key=count". */
function counter(extra: Partial<Options> = {}): Options {
  return {
    service: 'counter',
    inputs: [topics.input],
    outputs: [topics.output],
    deadLetter: topics.deadLetter,
    store: {
      changelog: topics.state,
      toMessage: (value) => text(String(value)),
      fromMessage: (message) => Number(textOf(message)),
    },
    createTask: ({ store }) => ({
      handle: (records, out) => {
        for (const { key } of records) {
          const count = (store.get(key) ?? 0) + 1;
          store.put(key, count);
          out.emit({ topic: topics.output, key, message: text(String(count)) });
        }
      },
    }),
    ...extra,
  };
}

const caughtUp = (runner: Runner) => (): boolean => {
  const positions = runner.positions();
  return runner.ready() && positions.length > 0 && positions.every(({ lag }) => lag === 0n);
};

async function publish(streams: Streams, keys: readonly string[], topic = topics.input) {
  const publisher = await streams.publisher([topic]);
  await publisher.send(keys.map((key, i) => ({ topic, key, message: text(String(i)) })));
  await publisher.close();
}

/** True when the runner's positions are the ends of the input: nothing is left to read. */
async function atEnd(system: TestSystem, runner: Runner): Promise<boolean> {
  if (!runner.ready()) return false;
  const ends = await system.admin.ends([topics.input]);
  const next = new Map(runner.positions().map((p) => [`${p.topic}/${p.partition}`, p.next]));
  return [...ends].every(([place, end]) => next.get(place) === end);
}

describe('transact', { timeout: 300_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await openTestCluster();
  });
  after(async () => {
    await cluster.stop();
  });

  async function withSystem(work: (system: TestSystem) => Promise<void>): Promise<void> {
    const system = await cluster.system();
    try {
      await work(system);
    } finally {
      await system.close();
    }
  }

  it('maps every record once, keeps state and commits offsets', () =>
    withSystem(async (system) => {
      const streams = await system.connect();
      const keys = Array.from({ length: 5_000 }, (_, i) => `k${i % 50}`);
      await publish(streams, keys);
      const runner = await streams.transact(counter());
      await until('everything is read', () => atEnd(system, runner));
      await runner.stop();
      const out = await system.read(topics.output);
      assert.equal(out.length, 5_000);
      assert.equal(new Set(out).size, 5_000);
      const state = await system.read(topics.state);
      assert.ok(state.includes('k7=100'));
    }));

  it('restores the state of every task before the first record', () =>
    withSystem(async (system) => {
      const streams = await system.connect();
      await publish(streams, ['a', 'b', 'a']);
      const first = await streams.transact(counter());
      await until('the first run is done', () => atEnd(system, first));
      await first.stop();
      await publish(streams, ['a', 'b']);
      const second = await streams.transact(counter());
      await until('the second run is done', () => atEnd(system, second));
      await second.stop();
      const out = await system.read(topics.output);
      assert.deepEqual(
        out.filter((line) => line.startsWith('a=')),
        ['a=1', 'a=2', 'a=3'],
      );
      assert.deepEqual(
        out.filter((line) => line.startsWith('b=')),
        ['b=1', 'b=2'],
      );
    }));

  it('shares the tasks of two instances and hands them over when one leaves', () =>
    withSystem(async (system) => {
      const one = await system.connect();
      const two = await system.connect();
      const first = await one.transact(counter());
      await until('the first owns all', () => first.ready() && first.positions().length === 4);
      const second = await two.transact(counter());
      await until(
        'each owns two',
        () => first.positions().length === 2 && second.positions().length === 2 && second.ready(),
      );
      const keys = Array.from({ length: 400 }, (_, i) => `k${i % 20}`);
      await publish(one, keys);
      await until('both caught up', () => caughtUp(first)() && caughtUp(second)());
      await first.stop();
      await publish(one, keys);
      await until('the second took over', () => second.positions().length === 4);
      await until('everything is read', () => atEnd(system, second));
      await second.stop();
      const out = await system.read(topics.output);
      assert.equal(out.length, 800);
      assert.equal(new Set(out).size, 800);
      assert.ok(out.includes('k3=40'));
    }));

  it('loses and doubles nothing while instances come and go under load', () =>
    withSystem(async (system) => {
      const producer = await system.connect();
      const publisher = await producer.publisher([topics.input]);
      const keys = Array.from({ length: 20 }, (_, i) => `k${i}`);
      let rounds = 0;
      const enough = new AbortController();
      const load = (async () => {
        while (!enough.signal.aborted) {
          const records = Array.from({ length: 10 }, () => keys).flat();
          await publisher.send(
            records.map((key) => ({ topic: topics.input, key, message: text('x') })),
          );
          rounds += 10;
        }
      })();
      const first = await (await system.connect()).transact(counter());
      await until('the first reads', () => first.ready());
      for (let change = 0; change < 3; change += 1) {
        const second = await (await system.connect()).transact(counter());
        await until('both read', () => second.positions().length === 2 && second.ready());
        await second.stop();
        await until('the first owns all', () => first.positions().length === 4 && first.ready());
      }
      enough.abort();
      await load;
      await publisher.close();
      await until('everything is read', () => atEnd(system, first));
      await first.stop();
      const counts = new Map<string, number>();
      for (const line of await system.read(topics.output)) {
        const [key = '', count] = line.split('=');
        const expected = (counts.get(key) ?? 0) + 1;
        assert.equal(Number(count), expected, key);
        counts.set(key, expected);
      }
      assert.deepEqual(counts, new Map(keys.map((key) => [key, rounds])));
    }));

  it('sends what cannot be decoded to the dead letters and lets the neighbours pass', () =>
    withSystem(async (system) => {
      const streams = await system.connect();
      await publish(streams, ['a']);
      await system.poison('a');
      await publish(streams, ['a']);
      const runner = await streams.transact(counter());
      await until('everything is read', () => atEnd(system, runner));
      await runner.stop();
      assert.deepEqual(await system.read(topics.output), ['a=1', 'a=2']);
      const letters = await system.deadLetters();
      assert.equal(letters.length, 1);
      assert.equal(letters[0]?.code, 'UNDECODABLE');
      assert.equal(letters[0]?.original?.toString(), 'not framed');
      assert.equal(letters[0]?.trace.offset, 1);
    }));

  it('ends with the Fault when the author throws a TypeError', () =>
    withSystem(async (system) => {
      const streams = await system.connect();
      await publish(streams, ['a']);
      const runner = await streams.transact(
        counter({
          createTask: () => ({
            handle: (records) => {
              (records as unknown as { missing: { call: () => void } }).missing.call();
            },
          }),
        }),
      );
      await assert.rejects(runner.done, (error) => isFault(error) && error.kind === 'bug');
      assert.deepEqual(await system.read(topics.output), []);
    }));

  it('refuses a record that breaks its contract and names the path', () =>
    withSystem(async (system) => {
      const streams = await system.connect();
      await publish(streams, ['a']);
      const runner = await streams.transact(
        counter({
          createTask: () => ({
            handle: (_records, out) => {
              const message = { type: 'UnitStateSaved', value: { layout: 'x' } } as unknown;
              out.emit({ topic: topics.output, key: 'a', message: message as never });
            },
          }),
        }),
      );
      await assert.rejects(
        runner.done,
        (error) =>
          isFault(error) && error.code === 'CONTRACT_VIOLATED' && /layout/.test(error.message),
      );
    }));

  it('stops a misconfigured task with one line and goes on when a table changes', () =>
    withSystem(async (system) => {
      const streams = await system.connect();
      await publish(streams, ['a', 'b', 'c', 'd', 'e']);
      const partition = partitionFor('a', 4);
      const runner = await streams.transact(
        counter({
          tables: [topics.table],
          createTask: (context) => ({
            handle: (records, out) => {
              if (context.partition === partition && !context.tables.get(topics.table, 'ok')) {
                throw new Fault('no setting ok', {
                  kind: 'misconfigured',
                  code: 'SETTING_MISSING',
                  stage: 'decide',
                });
              }
              echo(records, out);
            },
          }),
        }),
      );
      const stopped = (): number =>
        system.logger.lines.filter(({ message }) => message === 'task.stopped').length;
      await until('the task stopped', () => stopped() === 1);
      const publisher = await streams.publisher([topics.table]);
      await publisher.send([{ topic: topics.table, key: 'ok', message: text('yes') }]);
      await until('everything is read', () => atEnd(system, runner));
      await runner.stop();
      assert.equal(stopped(), 1);
      const out = await system.read(topics.output);
      assert.deepEqual(out.toSorted(), ['a=a', 'b=b', 'c=c', 'd=d', 'e=e']);
    }));

  it('shows tables to every task before its first record, and changes while it is idle', () =>
    withSystem(async (system) => {
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
              const value = message ? textOf(message) : 'gone';
              const line = `${partition}:${value}`;
              out.emit({ topic: topics.output, key, message: text(line) });
            },
          }),
        }),
      );
      await until('everything is read', () => atEnd(system, runner));
      assert.ok((await system.read(topics.output)).includes('a=1'));
      await publisher.send([{ topic: topics.table, key: 'zone', message: text('2') }]);
      const count = async (suffix: string): Promise<number> =>
        (await system.read(topics.output)).filter((line) => line.endsWith(suffix)).length;
      await until('all tasks heard of the change', async () => (await count(':2')) === 4);
      await publisher.send([{ topic: topics.table, key: 'zone', message: null }]);
      await until('all tasks heard of the tombstone', async () => (await count(':gone')) === 4);
      assert.equal(await count(':1'), 4);
      await runner.stop();
    }));

  it('keeps systems apart by namespace', () =>
    withSystem((left) =>
      withSystem(async (right) => {
        const one = await left.connect();
        const two = await right.connect();
        await publish(one, ['left']);
        await publish(two, ['right']);
        const runner = await one.transact(counter());
        const neighbour = await two.transact(counter());
        await until('both caught up', () => caughtUp(runner)() && caughtUp(neighbour)());
        assert.equal(runner.positions()[0]?.topic, topics.input.name);
        await runner.stop();
        await neighbour.stop();
        assert.deepEqual(await left.read(topics.output), ['left=1']);
        assert.deepEqual(await right.read(topics.output), ['right=1']);
      }),
    ));

  it('refuses inputs with different partition counts', () =>
    withSystem(async (system) => {
      const streams = await system.connect();
      await assert.rejects(
        streams.transact(counter({ inputs: [topics.input, topics.cursor] })),
        (error) => isFault(error) && error.code === 'PARTITION_COUNT_MISMATCH',
      );
    }));

  it('refuses a topic that nobody provisioned', () =>
    withSystem(async (system) => {
      const streams = await system.connect({ namespace: 'nothing.here.' });
      await assert.rejects(
        streams.transact(counter()),
        (error) => isFault(error) && error.code === 'CONTRACT_NOT_REGISTERED',
      );
    }));
});

function echo(records: readonly Received[], out: Emitter): void {
  for (const { key } of records) out.emit({ topic: topics.output, key, message: text(key) });
}
