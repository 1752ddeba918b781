// The service as a process on a real log: killed in the middle of its work, again and again.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { allTopics, topics, type DeliverySettled, type ElementRejected } from '@waybill/contracts';
import { hashId } from '@waybill/domain';
import { connectAdmin, connectStreams, type Outgoing, type Streams } from '@waybill/stream';
import { loadTenant } from '@waybill/tenant';
import { startService, testNamespace, testStack, type TestStack, until } from '@waybill/testkit';
import { Pool } from 'pg';
import { configuration, mapping, trip } from './testing/events.ts';

const TENANT = 'hudson-waste';
const TENANTS = new URL('../../../deploy/tenants/', import.meta.url);
const NAMESPACE = testNamespace();
const TRIPS = 240;
const UNITS = 12;
const WAIT = { deadlineMs: 120_000, everyMs: 50 };

let stack: TestStack;
let dir: string;
let streams: Streams;

const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'waybill-sink-'));
  stack = await testStack();
  const options = {
    brokers: stack.kafka.brokers,
    registryUrl: stack.registry.url,
    namespace: NAMESPACE,
    clientId: 'test',
    logger,
  };
  const connected = await connectAdmin(options);
  await connected.provision(allTopics, { task: 8, source: 4 });
  await connected.close();
  streams = await connectStreams(options);
});
after(async () => {
  await streams.close();
  await stack.stop();
  await rm(dir, { recursive: true, force: true });
});

/** The process, started again whenever it was killed. */
function keepRunning(env: Readonly<Record<string, string>>) {
  const main = new URL('main.ts', import.meta.url);
  let service = startService(main, env);
  return {
    kill: async () => {
      await service.end('SIGKILL');
      service = startService(main, env);
    },
    stop: () => service.end('SIGTERM'),
    health: () => service.health<Record<string, unknown>>(),
  };
}

function events(): Outgoing[] {
  const day = Date.parse('2015-12-10T06:00:00Z');
  return Array.from({ length: TRIPS }, (_, n): Outgoing => {
    const unit = `wialon:${8001 + (n % UNITS)}`;
    const start = day + Math.floor(n / UNITS) * 1_800_000;
    return {
      topic: topics.trip,
      key: `${TENANT}/${unit}`,
      message: trip({
        id: hashId('trip', n),
        tenant: TENANT,
        unit,
        start: new Date(start).toISOString(),
        end: new Date(start + 600_000).toISOString(),
        km: 1 + n / 100,
      }),
    };
  });
}

test('killed at any moment, every trip stands in the ERP once and every outcome is told', async () => {
  const erpUrl = await stack.createDatabase(`${NAMESPACE}erp`);
  const deliveryUrl = await stack.createDatabase(`${NAMESPACE}delivery`);
  const erp = new Pool({ connectionString: erpUrl, max: 2 });
  erp.on('error', () => undefined);
  for (const file of ['schema.sql', 'seed.sql']) {
    await erp.query(readFileSync(new URL(`${TENANT}/erp/${file}`, TENANTS), 'utf8'));
  }
  const secrets = join(dir, 'secrets');
  await mkdir(secrets);
  await writeFile(join(secrets, `${TENANT}.json`), JSON.stringify({ erp_url: erpUrl }));
  await writeFile(join(secrets, 'platform.json'), JSON.stringify({ url: deliveryUrl }));

  const { model, idmap } = await loadTenant(new URL(TENANT, TENANTS).pathname);
  const publisher = await streams.publisher([topics.tenantConfig, topics.idMapping, topics.trip]);
  await publisher.send([
    ...idmap.map(({ entity, telematics_id, intervals }): Outgoing => {
      const ref = `${entity}/${telematics_id}`;
      const message = mapping(TENANT, ref, 1, intervals) as never;
      return { topic: topics.idMapping, key: `${TENANT}/${ref}`, message };
    }),
    { topic: topics.tenantConfig, key: TENANT, message: configuration(model) },
  ]);

  const service = keepRunning({
    KAFKA_BROKERS: stack.kafka.brokers.join(','),
    KAFKA_NAMESPACE: NAMESPACE,
    SCHEMA_REGISTRY_URL: stack.registry.url,
    SECRETS_DIR: secrets,
    DELIVERY_DATABASE_URL: 'secret://files/platform#url',
    DELIVERY_WORKERS: '3',
  });
  const settled = new Map<string, number>();
  const letters: string[] = [];
  try {
    const all = events();
    await publisher.send(all.slice(0, TRIPS / 2));
    const rows = async (): Promise<number> => {
      const { rows } = await erp.query<{ n: number }>(
        'SELECT count(*)::int AS n FROM fleetops.haul',
      );
      return rows[0]?.n ?? 0;
    };
    for (const reached of [5, 60]) {
      await until(`${reached} rows`, async () => (await rows()) >= reached, WAIT);
      await service.kill();
    }
    await publisher.send(all.slice(TRIPS / 2));
    await until('the second half to begin', async () => (await rows()) > TRIPS / 2, WAIT);
    await service.kill();
    await until('everything to be delivered', async () => (await rows()) === TRIPS, WAIT);
    await until(
      'quiet',
      async () => {
        const health = await service.health();
        return health !== undefined && health['due'] === 0 && health['outbox'] === 0;
      },
      WAIT,
    );

    const { rows: doubled } = await erp.query(
      'SELECT ext_ref FROM fleetops.haul GROUP BY ext_ref HAVING count(*) > 1',
    );
    assert.deepEqual(doubled, []);
    const { rows: amendments } = await erp.query('SELECT 1 FROM fleetops.adjustment');
    assert.deepEqual(amendments, []);

    const runner = await streams.project<undefined>({
      service: 'test-reader',
      inputs: [topics.delivery, topics.sinkDeadLetter],
      store: {
        offsets: async () => new Map(),
        advance: async (_, work) => (await work(undefined), true),
      },
      handle: async (records) => {
        for (const { message } of records) {
          if (message.type === 'ElementRejected') {
            letters.push((message.value as ElementRejected).message);
          } else {
            const { entity_id } = message.value as DeliverySettled;
            settled.set(entity_id, (settled.get(entity_id) ?? 0) + 1);
          }
        }
      },
    });
    await until('all outcomes', async () => settled.size === TRIPS, WAIT);
    await runner.stop();
    assert.deepEqual(letters, []);
    assert.equal(await service.stop(), 0, 'an orderly stop ends with 0');
  } finally {
    await service.stop();
    await publisher.close();
    await erp.end();
  }
});
