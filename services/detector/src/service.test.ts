import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Message } from '@waybill/contracts';
import type { Runner, TransactOptions } from '@waybill/stream';
import { configReader } from './config.ts';
import { codes } from './errors.ts';
import { createService, unitStore } from './service.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test('the service consumes positions under its tables and stops in order', async () => {
  const calls: string[] = [];
  let given: TransactOptions<never> | undefined;
  const runner: Runner = {
    done: Promise.resolve(),
    ready: () => true,
    positions: () => [{ topic: 'fleet.position.event.v1', partition: 0, next: 5n, lag: 0n }],
    stop: async () => void calls.push('runner'),
  };
  const service = await createService(
    { DETECTOR_MAX_FIXES_PER_UNIT: 100 },
    {
      streams: {
        transact: async (options) => {
          given = options as unknown as TransactOptions<never>;
          return runner;
        },
        close: async () => void calls.push('streams'),
      },
      logger: { info: () => undefined, error: () => undefined },
      metrics: { fix: () => undefined, published: () => undefined, state: () => undefined },
    },
  );
  const names = (list: readonly { readonly name: string }[] = []): string[] =>
    list.map(({ name }) => name);
  assert.deepEqual(names(given?.inputs), ['fleet.position.event.v1']);
  assert.deepEqual(names(given?.tables), ['fleet.zone.state.v1', 'tenant.config.state.v1']);
  assert.deepEqual(names(given?.outputs), [
    'fleet.trip.event.v1',
    'fleet.site-visit.event.v1',
    'ops.task.event.v1',
  ]);
  assert.equal(given?.store?.changelog.name, 'detector.unit.state.v1');
  assert.equal(given?.deadLetter.name, 'detector.dead-letter.v1');
  assert.equal(service.health().ready, true);
  assert.equal(service.health().positions[0]?.next, 5n);
  await service.stop();
  assert.deepEqual(calls, ['runner', 'streams']);
});

test('saved state of another layout stops the task as misconfigured', () => {
  const value = new Uint8Array([1, 2, 3]);
  const message = unitStore.toMessage(value);
  assert.deepEqual([...unitStore.fromMessage(message)], [1, 2, 3]);
  const other: Message = {
    type: 'UnitStateSaved',
    value: { ...(message.value as object), layout: 2 },
  };
  assert.throws(() => unitStore.fromMessage(other), {
    code: 'STATE_LAYOUT',
    kind: 'misconfigured',
  });
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
