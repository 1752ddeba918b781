import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Runner, TransactOptions } from '@waybill/stream';
import { configReader } from './config.ts';
import { codes } from './errors.ts';
import { createService } from './service.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test('the service consumes both raw topics and stops in order', async () => {
  const calls: string[] = [];
  let given: TransactOptions<never> | undefined;
  const runner: Runner = {
    done: Promise.resolve(),
    ready: () => true,
    positions: () => [{ topic: 'wialon.page.raw.v1', partition: 0, next: 5n, lag: 0n }],
    stop: async () => void calls.push('runner'),
  };
  const service = await createService(
    { KAFKA_TASK_PARTITIONS: 8, TRACE_POSITION_RATIO: 0 },
    {
      streams: {
        transact: async (options) => {
          given = options as unknown as TransactOptions<never>;
          return runner;
        },
        close: async () => void calls.push('streams'),
      },
      logger: { warn: () => undefined },
      metrics: { event: () => undefined, rejected: () => undefined },
    },
  );
  assert.deepEqual(
    given?.inputs.map((topic) => [topic.name, topic.partitioning]),
    [
      ['wialon.page.raw.v1', 'source'],
      ['telematics.webhook.raw.v1', 'source'],
    ],
  );
  assert.equal(given?.deadLetter.name, 'transformer.dead-letter.v1');
  assert.equal(service.health().ready, true);
  assert.equal(service.health().positions[0]?.next, 5n);
  await service.stop();
  assert.deepEqual(calls, ['runner', 'streams']);
});

test('the contract card lists every error code and every variable', () => {
  for (const [code, { kind }] of Object.entries(codes)) {
    assert.match(readme, new RegExp(`\`${code}\`.*\\b${kind}\\b`), code);
  }
  const listed = [...readme.matchAll(/^\| `([A-Z_]+)`/gm)].map((match) => match[1]);
  const known = new Set([...Object.keys(codes), ...configReader.describe().map((row) => row.name)]);
  for (const name of listed) assert.ok(known.has(name ?? ''), `${name} is listed but gone`);
  for (const row of configReader.describe()) {
    assert.match(readme, new RegExp(`\`${row.name}\``), row.name);
  }
});
