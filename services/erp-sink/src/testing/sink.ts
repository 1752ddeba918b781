// The service on an in-memory log and on real databases: its own and the two demo ERPs.
import { readFileSync } from 'node:fs';
import {
  topics,
  type DeliverySettled,
  type ElementRejected,
  type Message,
  type Topic,
} from '@waybill/contracts';
import { createPostgresErp, type ErpAdapter, type ErpEntity, type ErpRecord } from '@waybill/erp';
import { createInbox } from '@waybill/inbox';
import { createPool, projectionStore, transaction } from '@waybill/postgres';
import { createMetrics, startTracing, type RunningService } from '@waybill/runtime';
import { loadTenant, type LoadedTenant, type TenantModel } from '@waybill/tenant';
import { createStreamDriver, type Read, type TestPostgres, until } from '@waybill/testkit';
import { Pool } from 'pg';
import { mappingStore } from '../adapters/mapping-store.ts';
import { ownedByErp } from '../core/ownership.ts';
import { sinkMetrics } from '../metrics.ts';
import type { Ports } from '../ports.ts';
import { createService } from '../service.ts';
import { configuration, mapping } from './events.ts';

const TENANTS = new URL('../../../../deploy/tenants/', import.meta.url);

export type TenantName = 'bay-cabs' | 'hudson-waste';

export interface TestSink {
  readonly service: RunningService;
  readonly tenants: Readonly<Record<TenantName, LoadedTenant>>;
  readonly erp: Readonly<Record<TenantName, Pool>>;
  readonly delivery: Pool;
  /** Records of one key, in one transaction. */
  readonly push: (topic: Topic, key: string, messages: readonly Message[]) => Promise<void>;
  readonly table: (topic: Topic, key: string, message: Message | null) => Promise<void>;
  /** As of the last `quiet` or `readPublished`. */
  readonly deliveries: () => readonly DeliverySettled[];
  readonly deadLetters: () => readonly ElementRejected[];
  readonly lines: readonly { readonly message: string; readonly fields: Record<string, unknown> }[];
  readonly readPublished: () => Promise<void>;
  /** Waits until nothing is due and all outcomes are published. */
  readonly quiet: () => Promise<void>;
  /** Effective rows by the tenant's canonical.sql. */
  readonly canonical: (tenant: TenantName, name: string) => Promise<Record<string, unknown>[]>;
  /** What the ERP has in effect, in contract terms. */
  readonly digest: (tenant: TenantName, entity: string) => Promise<readonly ErpRecord[]>;
  readonly metrics: () => Promise<string>;
  readonly stop: () => Promise<void>;
}

export interface SinkOptions {
  readonly server: TestPostgres;
  /** Makes the ERP of a tenant; default: as the files say. */
  readonly openErp?: (model: TenantModel, open: () => ErpAdapter) => Promise<ErpAdapter>;
  /** False: nothing is applied at the start. */
  readonly apply?: boolean;
  readonly deliveryUrl?: string;
}

function sql(tenant: TenantName, file: string): string {
  return readFileSync(new URL(`${tenant}/erp/${file}`, TENANTS), 'utf8');
}

async function erpDatabase(
  server: TestPostgres,
  tenant: TenantName,
): Promise<{ readonly url: string; readonly pool: Pool }> {
  const url = await server.createDatabase();
  const pool = new Pool({ connectionString: url, max: 2 });
  await pool.query(sql(tenant, 'schema.sql'));
  await pool.query(sql(tenant, 'seed.sql'));
  return { url, pool };
}

export async function startSink(options: SinkOptions): Promise<TestSink> {
  const { server } = options;
  const tenants = {
    'bay-cabs': await loadTenant(new URL('bay-cabs', TENANTS).pathname),
    'hudson-waste': await loadTenant(new URL('hudson-waste', TENANTS).pathname),
  };
  const bay = await erpDatabase(server, 'bay-cabs');
  const hudson = await erpDatabase(server, 'hudson-waste');
  const urls: Record<string, string> = { 'bay-cabs': bay.url, 'hudson-waste': hudson.url };
  const pool = createPool(options.deliveryUrl ?? (await server.createDatabase()), {
    applicationName: 'test',
    max: 10,
  });
  const inbox = createInbox({ pool, random: Math.random });
  const metrics = createMetrics('erp-sink');
  const lines: { message: string; fields: Record<string, unknown> }[] = [];
  const log = (fields: object, message: string): void => {
    lines.push({ message, fields: { ...fields } });
  };
  const driver = await createStreamDriver({ partitions: { task: 1, source: 1 } });
  const open = (model: TenantModel): ErpAdapter =>
    createPostgresErp({
      url: urls[model.tenant_id] ?? '',
      zone: model.company.zone,
      mappings: model.mappings,
      ownedByErp: { trip: ownedByErp(model.ownership, 'trip') },
    });
  const openErp = options.openErp ?? (async (_model, make) => make());
  const ports: Omit<Ports, 'streams'> = {
    store: projectionStore(pool, 'delivery'),
    inbox,
    mappings: mappingStore(pool, inbox),
    transaction: (work) => transaction(pool, work),
    openErp: (model) => openErp(model, () => open(model)),
    logger: { info: log, warn: log, error: log },
    metrics: sinkMetrics(metrics),
    tracing: startTracing({ service: 'test', endpoint: undefined }),
    now: Date.now,
    closeDatabase: () => pool.end(),
  };
  const config = { DELIVERY_WORKERS: 4, DELIVERY_OUTBOX_LIMIT: 50_000 };
  const started = await driver.start((streams) => createService(config, { ...ports, streams }), {
    logger: { info: () => undefined, warn: log, error: log },
  });
  const service = started.current();
  service.done.catch(() => undefined);

  const table: TestSink['table'] = (topic, key, message) => driver.pipe(topic, [{ key, message }]);
  const deliveries: DeliverySettled[] = [];
  const deadLetters: ElementRejected[] = [];
  const valuesOf = <T>(records: readonly Read<Message<string, T>>[]): readonly T[] =>
    records.flatMap(({ message }) => (message === null ? [] : [message.value]));
  /** What was published so far, in the order in which it came. */
  async function readPublished(): Promise<void> {
    deliveries.push(...valuesOf(await driver.take(topics.delivery)));
    deadLetters.push(...valuesOf(await driver.take(topics.sinkDeadLetter)));
  }
  if (options.apply !== false) {
    for (const { model, idmap } of Object.values(tenants)) {
      for (const entry of idmap) {
        const ref = `${entry.entity}/${entry.telematics_id}`;
        const message = mapping(model.tenant_id, ref, 1, entry.intervals);
        await table(topics.idMapping, `${model.tenant_id}/${ref}`, message);
      }
      await table(topics.tenantConfig, model.tenant_id, configuration(model));
    }
  }
  return {
    service,
    tenants,
    erp: { 'bay-cabs': bay.pool, 'hudson-waste': hudson.pool },
    delivery: pool,
    push: (topic, key, messages) =>
      driver.pipe(
        topic,
        messages.map((message) => ({ key, message })),
      ),
    table,
    readPublished,
    deliveries: () => deliveries,
    deadLetters: () => deadLetters,
    lines,
    quiet: async () => {
      await until('quiet', () => {
        const extra = service.health().extra as { due: number; in_flight: number; outbox: number };
        return extra.due + extra.in_flight + extra.outbox === 0;
      });
      await readPublished();
    },
    canonical: async (tenant, name) => {
      const queries = sql(tenant, 'canonical.sql').split(/^-- name: /m);
      const query = queries.find((part) => part.startsWith(`${name}\n`));
      const erp = tenant === 'bay-cabs' ? bay.pool : hudson.pool;
      const { rows } = await erp.query<Record<string, unknown>>(query?.slice(name.length) ?? '');
      return rows;
    },
    digest: async (tenant, entity) => {
      const erp = open(tenants[tenant].model);
      try {
        // The caller names an entity of the tenant's mappings.
        return await erp.digest(entity as ErpEntity);
      } finally {
        await erp.close();
      }
    },
    metrics: () => metrics.text(),
    stop: async () => {
      await service.stop();
      await Promise.all([bay.pool.end(), hudson.pool.end()]);
    },
  };
}
