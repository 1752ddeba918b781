import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { kafkaTool } from '@waybill/testkit';
import { openKafka, openProducer, sendRound } from '../client.ts';
import { readLog } from '../log-reader.ts';
import { recordsOf, type PlainRecord } from '../testing/batches.ts';
import { openTestCluster, topics, type TestCluster, type TestSystem } from '../testing/cluster.ts';
import { BatchWriter } from './batch-writer.ts';

const CONTEXT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const COUNT = 3_000;

const records: readonly PlainRecord[] = Array.from({ length: COUNT }, (_, i) => ({
  key: `ключ-${i % 70}`,
  value: `${i}:${'x'.repeat(i % 400)}`,
  headers: i % 3 === 0 ? { traceparent: CONTEXT, n: String(i) } : {},
}));

function written(some: readonly PlainRecord[], compressed = false): BatchWriter {
  const batch = new BatchWriter(0, compressed);
  for (const { key, value, headers } of some) batch.append(key, Buffer.from(value ?? ''), headers);
  return batch;
}

describe('record batches and the Java client', { timeout: 120_000 }, () => {
  let cluster: TestCluster;
  let system: TestSystem;
  let wire: string;
  before(async () => {
    cluster = await openTestCluster();
    system = await cluster.system();
    wire = `${system.options.namespace}${topics.input.name}`;
  });
  after(async () => {
    await cluster.stop();
  });

  const broker = (): string => system.options.brokers.join(',');

  it('agree about what we write, in transactions and without', async () => {
    const half = COUNT / 2;
    const idempotent = openProducer(openKafka(system.options));
    const transactional = openProducer(openKafka(system.options), `${wire}-java`);
    await Promise.all([idempotent.connect(), transactional.connect()]);
    for (const some of [records.slice(0, 700), records.slice(700, half)]) {
      await sendRound(idempotent, [{ topic: wire, batches: [written(some, some.length === 700)] }]);
    }
    const lost = await transactional.transaction();
    await sendRound(lost, [{ topic: wire, batches: [written([{ key: 'lost', value: 'lost' }])] }]);
    await lost.abort();
    const kept = await transactional.transaction();
    await sendRound(kept, [{ topic: wire, batches: [written(records.slice(half))] }]);
    await kept.commit();
    await Promise.all([idempotent.disconnect(), transactional.disconnect()]);

    const output = await kafkaTool('org.apache.kafka.tools.consumer.ConsoleConsumer', [
      ...['--bootstrap-server', broker(), '--topic', wire, '--partition', '0'],
      ...['--offset', 'earliest', '--isolation-level', 'read_committed'],
      ...['--max-messages', String(COUNT), '--timeout-ms', '30000'],
      ...['--formatter-property', 'print.key=true', '--formatter-property', 'print.headers=true'],
    ]);
    const expected = records.map(({ key, value, headers = {} }) => {
      const list = Object.entries(headers).map((header) => header.join(':'));
      return `${list.join(',') || 'NO_HEADERS'}\t${key}\t${value}`;
    });
    assert.deepEqual(output.trimEnd().split('\n'), expected);
  });

  it('agree about what it writes compressed', async () => {
    const lines = records.map(({ key, value }) => `${key}=${value}`);
    const other = `${system.options.namespace}${topics.table.name}`;
    for (const codec of ['gzip', 'zstd', 'none']) {
      await kafkaTool(
        'org.apache.kafka.tools.ConsoleProducer',
        [
          ...['--bootstrap-server', broker(), '--topic', other, '--compression-codec', codec],
          ...['--reader-property', 'parse.key=true', '--reader-property', 'key.separator=='],
        ],
        `${lines.join('\n')}\n`,
      );
    }
    const found: string[] = [];
    const { done } = readLog({
      kafka: openKafka(system.options),
      logger: system.logger,
      partitions: [{ topic: other, partition: 0 }],
      follow: false,
      onBatch: (batch) => {
        for (const { key, value } of recordsOf(batch.records())) found.push(`${key}=${value}`);
      },
    });
    await done;
    assert.deepEqual(found, [...lines, ...lines, ...lines]);
  });
});
