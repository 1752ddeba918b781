/** Takes longer than a session, so it is no part of `npm test`. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { Fault } from '@waybill/fault';
import { until } from '@waybill/testkit';
import { times } from './client.ts';
import type { ProjectionStore } from './port.ts';
import { publish } from './testing/contract/counter.ts';
import { openTestCluster, topics, type TestCluster } from './testing/cluster.ts';

let cluster: TestCluster;
before(async () => {
  cluster = await openTestCluster();
});
after(() => cluster.stop());

it('stays a member while its database is away longer than a session lasts', async () => {
  const system = await cluster.system();
  const streams = await system.connect();
  let assignments = 0;
  let awayUntil = Infinity;
  const handled: string[] = [];
  const store: ProjectionStore<string[]> = {
    offsets: async () => {
      assignments += 1;
      return new Map();
    },
    advance: async (_step, work) => {
      // The database goes away with the first record.
      if (awayUntil === Infinity) awayUntil = performance.now() + times.session * 2;
      if (performance.now() < awayUntil) {
        throw new Fault('away', { kind: 'transient', code: 'DB_UNAVAILABLE', stage: 'deliver' });
      }
      await work(handled);
      return true;
    },
  };
  const runner = await streams.project({
    ...{ service: 'projector', inputs: [topics.input], store },
    handle: async (records, tx) => void tx.push(...records.map(({ key }) => key)),
  });
  await until('it is ready', () => runner.ready());
  const joined = assignments;
  await publish(streams, ['a']);
  await until('the record is projected', () => handled.length > 0);
  // An evicted member learns of it behind its batch: it would join again before the next record.
  await publish(streams, ['a']);
  await until('the next record is projected', () => handled.length > 1);
  assert.deepEqual(handled, ['a', 'a']);
  assert.equal(assignments, joined, 'the group never assigned anew');
  await runner.stop();
  await system.close();
});
