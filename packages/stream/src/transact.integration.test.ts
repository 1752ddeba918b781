import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { until } from '@waybill/testkit';
import {
  atEnd,
  openTestCluster,
  text,
  topics,
  type TestCluster,
  type TestSystem,
} from './testing/cluster.ts';
import { counter, publish } from './testing/contract/counter.ts';

// What needs a real cluster and time that passes; the rest is in the contract suite.
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

  it('keeps systems apart by namespace', () =>
    withSystem((left) =>
      withSystem(async (right) => {
        const one = await left.connect();
        const two = await right.connect();
        await publish(one, ['left']);
        await publish(two, ['right']);
        const runner = await one.transact(counter());
        const neighbour = await two.transact(counter());
        await until('both are read', async () => {
          return (await atEnd(left, runner)) && (await atEnd(right, neighbour));
        });
        assert.equal(runner.positions()[0]?.topic, topics.input.name);
        await runner.stop();
        await neighbour.stop();
        assert.deepEqual(await left.read(topics.output), ['left=1']);
        assert.deepEqual(await right.read(topics.output), ['right=1']);
      }),
    ));
});
