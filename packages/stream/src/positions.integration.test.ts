import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Topic } from '@waybill/contracts';
import { until } from '@waybill/testkit';
import { type KafkaTransaction, openKafka, openProducer, sendRound } from './client.ts';
import { createCodecs } from './codec.ts';
import { partitionFor } from './partition.ts';
import type { Runner } from './port.ts';
import { BatchWriter } from './record-batch/batch-writer.ts';
import { openRegistry } from './registry.ts';
import {
  openTestCluster,
  text,
  topics,
  type TestCluster,
  type TestSystem,
} from './testing/cluster.ts';

const INPUT: Topic = topics.input;
const KEY = 'k';
const PARTITION = partitionFor(KEY, 4);

/** A transaction of an independent producer on the partition of KEY. */
async function begin(system: TestSystem, id: string) {
  const { options } = system;
  const namespace = options.namespace ?? '';
  const codecs = createCodecs(openRegistry(options.registryUrl), namespace);
  await codecs.bind([INPUT]);
  const producer = openProducer(openKafka(options), `${namespace}${id}`);
  await producer.connect();
  const transaction: KafkaTransaction = await producer.transaction();
  const send = async (value: string): Promise<void> => {
    const batch = new BatchWriter(PARTITION);
    batch.append(KEY, codecs.encode(INPUT, text(value)));
    await sendRound(transaction, [{ topic: `${namespace}${topics.input.name}`, batches: [batch] }]);
  };
  return { send, transaction, close: () => producer.disconnect() };
}

function echo(system: TestSystem): Promise<Runner> {
  return system.connect().then((streams) =>
    streams.transact({
      service: 'echo',
      inputs: [topics.input],
      outputs: [topics.output],
      deadLetter: topics.deadLetter,
      createTask: () => ({
        handle: (records, out) => {
          for (const { key, message } of records) {
            out.emit({ topic: topics.output, key, message: message as never });
          }
        },
      }),
    }),
  );
}

async function reachesEnd(system: TestSystem, runner: Runner, end: bigint): Promise<void> {
  // The markers are written after the commit returns.
  await until('the markers are written', async () => {
    const ends = await system.admin.ends([topics.input]);
    return ends.get(`${topics.input.name}/${PARTITION}`) === end;
  });
  await until('the position is the end', () =>
    runner.positions().some((p) => p.partition === PARTITION && p.next === end && p.lag === 0n),
  );
}

describe('positions', { timeout: 120_000, concurrency: true }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await openTestCluster();
  });
  after(async () => {
    await cluster.stop();
  });

  it('reach the end behind aborted transactions and their markers', async () => {
    const system = await cluster.system();
    const one = await begin(system, 'one');
    await one.send('lost');
    await one.send('lost');
    await one.transaction.abort();
    const runner = await echo(system);
    await reachesEnd(system, runner, 3n);
    const two = await begin(system, 'two');
    await two.send('kept');
    await two.transaction.commit();
    await until('the marker is passed', () => runner.positions().some((p) => p.next === 5n));
    const three = await begin(system, 'three');
    await three.send('lost');
    await three.transaction.abort();
    await reachesEnd(system, runner, 7n);
    await runner.stop();
    const again = await echo(system);
    await reachesEnd(system, again, 7n);
    await again.stop();
    assert.deepEqual(await system.read(topics.output), ['k=kept']);
    await Promise.all([one.close(), two.close(), three.close()]);
    await system.close();
  });

  it('shows lag while a transaction is open', async () => {
    const system = await cluster.system();
    const runner = await echo(system);
    const one = await begin(system, 'one');
    await one.send('kept');
    await until('the record is seen but not readable', () =>
      runner.positions().some((p) => p.partition === PARTITION && p.next === 0n && p.lag === 1n),
    );
    const ends = await system.admin.ends([topics.input]);
    assert.equal(ends.get(`${topics.input.name}/${PARTITION}`), 1n);
    await one.transaction.commit();
    await reachesEnd(system, runner, 2n);
    await runner.stop();
    await one.close();
    await system.close();
  });

  it('never hands out records of aborted transactions that overlap', async () => {
    const system = await cluster.system();
    const one = await begin(system, 'one');
    const two = await begin(system, 'two');
    const three = await begin(system, 'three');
    await one.send('lost 1');
    await two.send('lost 2');
    await three.send('kept');
    await two.transaction.abort();
    await one.send('lost 3');
    await one.transaction.abort();
    await three.transaction.commit();
    const runner = await echo(system);
    await reachesEnd(system, runner, 7n);
    await runner.stop();
    assert.deepEqual(await system.read(topics.output), ['k=kept']);
    await Promise.all([one.close(), two.close(), three.close()]);
    await system.close();
  });
});
