import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { topics, type Message } from '@waybill/contracts';
import { createStreamDriver } from '@waybill/testkit';
import { cellOf } from './adapters/h3-cell.ts';
import { configReader } from './config.ts';
import { codes } from './errors.ts';
import { createService, unitStore } from './service.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test('the service is ready once it reads positions, says where it stands, and stops in order', async () => {
  const driver = await createStreamDriver();
  const { current, stop } = await driver.start((streams) =>
    createService(
      { DETECTOR_MAX_FIXES_PER_UNIT: 100, DETECTOR_UNPACKED_UNITS: 10 },
      {
        streams,
        cellOf,
        logger: { info: () => undefined, error: () => undefined },
        metrics: {
          fix: () => undefined,
          published: () => undefined,
          proposal: () => undefined,
          flaw: () => undefined,
          state: () => undefined,
        },
      },
    ),
  );
  const value = { tenant_id: 'a', source_id: 's', complete_to_time: 1, received_time: 1 };
  const message = { type: 'ProgressReached', value } as const;
  await driver.pipe(topics.position, [{ key: 'a/s', partition: 1, message }]);
  const { ready, positions } = current().health();
  assert.equal(ready, true);
  assert.deepEqual(
    positions.map(({ topic, partition, next }) => `${topic}/${partition} ${next}`),
    [
      'fleet.position.event.v1/0 0',
      'fleet.position.backfill.v1/0 0',
      'fleet.position.event.v1/1 1',
      'fleet.position.backfill.v1/1 0',
      'fleet.driver-activity.event.v1/0 0',
      'fleet.driver-activity.event.v1/1 0',
    ],
  );
  await stop();
  await current().done;
  assert.equal(current().health().ready, false);
});

test('saved state of another layout stops the task as misconfigured', () => {
  const value = new Uint8Array([1, 2, 3]);
  const message = unitStore.toMessage(value);
  assert.deepEqual([...unitStore.fromMessage(message)], [1, 2, 3]);
  const other: Message = {
    type: 'UnitStateSaved',
    value: { ...(message.value as object), layout: 1 },
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
