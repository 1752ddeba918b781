import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { topics, type Message, type Topic } from '@waybill/contracts';
import type { ExtractOptions, Owner, Runner } from '@waybill/stream';
import { tenantModel, type TenantModel } from '@waybill/tenant';
import { configured } from '@waybill/testkit';
import { configReader } from './config.ts';
import { codes } from './errors.ts';
import type { CursorMessage } from './records.ts';
import { createService } from './service.ts';
import { startProvider } from './testing/provider.ts';
import {
  createClock,
  createOwner,
  createPorts,
  untilTurn,
  type TestOwner,
} from './testing/owner.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

function tenant(id: string, url: string, pollIntervalMs: number = 2000): TenantModel {
  return tenantModel.parse({
    tenant_id: id,
    company: { company_id: id, name: id, zone: 'UTC', currency: 'USD' },
    sources: [
      {
        source_id: 'fleet',
        kind: 'wialon',
        account: id,
        url,
        tokens: ['secret://files/a#token'],
        read_from: '2025-10-09T00:00:00Z',
        poll_interval_ms: pollIntervalMs,
      },
      {
        source_id: 'push',
        kind: 'webhook',
        scheme: 'waybill-hmac',
        secrets: { k1: 'secret://files/a#hook' },
      },
    ],
    events: { trip: 'detected', site_visit: 'off' },
    detection: {},
    erp: { target: 'erp', adapter: 'postgres', url: 'secret://files/a#erp' },
    ownership: [],
    mappings: [
      {
        entity: 'trip',
        version: 1,
        table: 'trip',
        key: { id: { from: 'entity_id' } },
        columns: { vehicle: { from: 'vehicle_id' } },
        triple: { revision: 'revision', activation: 'activation', resolution: 'resolution' },
        retracted: 'retracted',
      },
    ],
  });
}

function record(model: TenantModel, version: number, damage = ''): Message {
  const value = configured(model, { version });
  return { type: 'TenantConfigured', value: { ...value, document: value.document + damage } };
}

test('accounts follow the tenant table: started, replaced, left alone by a bad document, stopped', async (t) => {
  const clock = createClock(Date.parse('2025-10-09T12:00:00Z'));
  const provider = await startProvider(() => Math.floor(clock.now() / 1000));
  provider.tokens.add('token');
  t.after(() => provider.close());
  const { ports, lines } = createPorts(clock, async () => 'token');
  let given: ExtractOptions<CursorMessage> | undefined;
  let owner: TestOwner | undefined;
  let owning: Promise<void> | undefined;
  const runner: Runner = {
    done: Promise.resolve(),
    ready: () => true,
    positions: () => [],
    stop: async () => {
      owner?.revoke();
      await owning;
    },
  };
  const service = await createService({
    ...ports,
    streams: {
      extract: async (options) => {
        given = options as unknown as ExtractOptions<CursorMessage>;
        return runner;
      },
      close: async () => undefined,
    },
  });
  assert.ok(given);
  const { onTable, own } = given;
  const table = topics.tenantConfig as unknown as Topic;
  const accounts = () =>
    service.health().extra?.['accounts'] as Record<string, { state: string; complete_to: number }>;
  const logins = () => provider.calls.filter(({ service: svc }) => svc === 'token/login').length;

  onTable?.(table, 'bay-cabs', record(tenant('bay-cabs', provider.url), 1));
  onTable?.(table, 'other', record(tenant('other', provider.url), 1));
  owner = createOwner();
  const partition: Owner<CursorMessage> = { ...owner, owns: (key) => key.startsWith('bay-cabs/') };
  owning = own(partition, {} as never);
  await untilTurn(
    'the account live',
    () => accounts()['bay-cabs/fleet/bay-cabs']?.state === 'live',
  );
  assert.deepEqual(Object.keys(accounts()), ['bay-cabs/fleet/bay-cabs'], 'others are not ours');
  assert.equal(typeof accounts()['bay-cabs/fleet/bay-cabs']?.complete_to, 'number');

  onTable?.(table, 'bay-cabs', record(tenant('bay-cabs', provider.url), 2, 'x'));
  assert.ok(lines.some((line) => line.includes('tenant.refused')));
  onTable?.(table, 'bay-cabs', record(tenant('bay-cabs', provider.url), 3));
  await untilTurn('still live', () => accounts()['bay-cabs/fleet/bay-cabs']?.state === 'live');
  assert.equal(logins(), 1, 'an unchanged account keeps its session');

  onTable?.(table, 'bay-cabs', record(tenant('bay-cabs', provider.url, 5000), 4));
  await untilTurn('a new worker for changed settings', () => logins() === 2);

  onTable?.(table, 'bay-cabs', null);
  await untilTurn('the account to stop', () => Object.keys(accounts()).length === 0);
  await service.stop();
});

test('the contract card lists every error code and every variable', () => {
  for (const [code, { kind }] of Object.entries(codes)) {
    assert.match(readme, new RegExp(`\`${code}\`.*\\b${kind}\\b`), code);
  }
  const known = new Set<string>([
    ...Object.keys(codes),
    ...configReader.describe().map((row) => row.name),
  ]);
  for (const [, name = ''] of readme.matchAll(/^\| `([A-Z_]+)`/gm)) {
    assert.ok(known.has(name), `${name} is listed but gone`);
  }
  for (const row of configReader.describe()) {
    assert.match(readme, new RegExp(`\`${row.name}\``), row.name);
  }
});
