// The service wired to a log in memory and to real databases: its own and the two demo ERPs.
import { readFileSync } from 'node:fs';
import {
  topics,
  type DeliverySettled,
  type ElementRejected,
  type Message,
  type Topic,
} from '@waybill/contracts';
import { createPostgresErp, type ErpAdapter } from '@waybill/erp';
import { createInbox } from '@waybill/inbox';
import { createPool, projectionStore, transaction, type PoolClient } from '@waybill/postgres';
import { createMetrics, startTracing, type RunningService } from '@waybill/runtime';
import type { Outgoing, ProjectOptions, Received } from '@waybill/stream';
import { loadTenant, type LoadedTenant, type TenantModel } from '@waybill/tenant';
import { type TestPostgres, until } from '@waybill/testkit';
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
  /** Records of one partition, in one transaction, under the key of the first. */
  readonly push: (topic: Topic, key: string, messages: readonly Message[]) => Promise<void>;
  readonly table: (topic: Topic, key: string, message: Message | null) => Promise<void>;
  readonly deliveries: () => readonly DeliverySettled[];
  readonly deadLetters: () => readonly ElementRejected[];
  readonly lines: readonly { readonly message: string; readonly fields: Record<string, unknown> }[];
  /** Waits until nothing is due and all outcomes are published. */
  readonly quiet: () => Promise<void>;
  /** Effective rows by the tenant's canonical.sql. */
  readonly canonical: (tenant: TenantName, name: string) => Promise<Record<string, unknown>[]>;
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

function received(topic: Topic, offset: bigint, key: string, message: Message): Received {
  return {
    topic,
    partition: 0,
    offset,
    key,
    message,
    publishedTime: -1,
    traceparent: undefined,
    bytes: Buffer.from(`bytes of ${key} ${offset}`),
  };
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
  const published: Outgoing[] = [];
  const lines: { message: string; fields: Record<string, unknown> }[] = [];
  const log = (fields: object, message: string): void => {
    lines.push({ message, fields: { ...fields } });
  };
  let given: ProjectOptions<PoolClient> | undefined;
  const offsets = new Map<string, bigint>();
  const ended = Promise.withResolvers<void>();
  const idle = async (): Promise<void> => undefined;
  const open = (model: TenantModel): ErpAdapter =>
    createPostgresErp({
      url: urls[model.tenant_id] ?? '',
      zone: model.company.zone,
      mappings: model.mappings,
      ownedByErp: { trip: ownedByErp(model.ownership, 'trip') },
    });
  const openErp = options.openErp ?? (async (_model, make) => make());
  const ports: Ports = {
    streams: {
      project: async (projection) => {
        given = projection as unknown as ProjectOptions<PoolClient>;
        return {
          done: ended.promise,
          ready: () => true,
          positions: () => [],
          stop: async () => ended.resolve(),
        };
      },
      publisher: async () => ({
        send: async (records) => void published.push(...records),
        close: idle,
      }),
      close: idle,
    },
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
  const service = await createService(config, ports);
  service.done.catch(() => undefined);

  const projection = (): ProjectOptions<PoolClient> => {
    if (given === undefined) throw new Error('project was not called');
    return given;
  };
  const table: TestSink['table'] = async (topic, key, message) => {
    await projection().onTable?.(topic, key, message);
  };
  const values = <T>(topic: Topic): T[] =>
    published
      .filter((record) => record.topic.name === topic.name)
      .map((record) => record.message?.value as T);
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
    push: async (topic, key, messages) => {
      const from = offsets.get(topic.name) ?? 0n;
      const next = from + BigInt(messages.length);
      const { store, handle, service: group } = projection();
      const step = { group, topic: topic.name, partition: 0, from, next };
      const moved = await store.advance(step, (tx) =>
        handle(
          messages.map((message, n) => received(topic, from + BigInt(n), key, message)),
          tx,
          { get: () => undefined, entries: () => [][Symbol.iterator]() as never },
        ),
      );
      if (!moved) throw new Error('the offset was not where it should be');
      offsets.set(topic.name, next);
    },
    table,
    deliveries: () => values<DeliverySettled>(topics.delivery),
    deadLetters: () => values<ElementRejected>(topics.sinkDeadLetter),
    lines,
    quiet: async () => {
      await until('quiet', () => {
        const extra = service.health().extra as { due: number; in_flight: number; outbox: number };
        return extra.due + extra.in_flight + extra.outbox === 0;
      });
    },
    canonical: async (tenant, name) => {
      const queries = sql(tenant, 'canonical.sql').split(/^-- name: /m);
      const query = queries.find((part) => part.startsWith(`${name}\n`));
      const erp = tenant === 'bay-cabs' ? bay.pool : hudson.pool;
      const { rows } = await erp.query<Record<string, unknown>>(query?.slice(name.length) ?? '');
      return rows;
    },
    metrics: () => metrics.text(),
    stop: async () => {
      await service.stop();
      await Promise.all([bay.pool.end(), hudson.pool.end()]);
    },
  };
}
