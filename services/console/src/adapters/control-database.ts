import {
  allTopics,
  topics,
  type IdMapped,
  type TenantConfigured,
  type Topic,
} from '@waybill/contracts';
import { Fault } from '@waybill/fault';
import {
  classify,
  createPool,
  migrate,
  toInstant,
  transaction,
  type Pool,
  type PoolClient,
} from '@waybill/postgres';
import { readTenant, toDocument, type IdMapEntry, type TenantModel } from '@waybill/tenant';
import type { Applied, AppliedTenant, ControlStore, OutboxRow } from '../ports.ts';
import { CONTROL_SCHEMA, migrations } from './control-schema.ts';
import {
  cancelRework,
  endReread,
  openRereads,
  readRework,
  storeRework,
  storeVerdicts,
} from './rework-table.ts';
import { storePlan } from './driver-plan-table.ts';
import { audit, enqueue } from './outbox-tables.ts';
import { changeId, readMapping, readMappings, readTelematicsIds } from './id-map-tables.ts';

const CONNECTIONS = 4;

interface TenantRow {
  readonly tenant_id: string;
  readonly version: string;
  readonly document: string;
  readonly document_sha256: string;
  readonly applied_time: Date;
  readonly applied_by: string;
}

const newestFiles = `select distinct on (tenant_id) tenant_id, version, document, document_sha256,
  applied_time, applied_by
from control.tenant_file where $1::text is null or tenant_id = $1
order by tenant_id, version desc`;

/**
 * Decisions of one tenant are taken one after another, so that outbox rows of a key are numbered in
 * the order in which they were committed.
 */
async function lockTenant(client: PoolClient, tenant: string): Promise<void> {
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
    `waybill console ${tenant}`,
  ]);
}

async function enqueueMapping(client: PoolClient, mapping: IdMapped): Promise<void> {
  const { tenant_id: tenant, entity, telematics_id: id } = mapping;
  const key = `${tenant}/${entity}/${id}`;
  await enqueue(client, { topic: topics.idMapping.name, key, type: 'IdMapped', message: mapping });
}

function configured(row: TenantRow): TenantConfigured {
  return { ...row, version: Number(row.version), applied_time: toInstant(row.applied_time) };
}

async function storeFiles(
  client: PoolClient,
  model: TenantModel,
  by: string,
): Promise<Omit<Applied, 'ids'>> {
  const { document, sha256 } = toDocument(model);
  const { tenant_id } = model;
  const before = (await client.query<TenantRow>(newestFiles, [tenant_id])).rows[0];
  if (before?.document_sha256 === sha256) {
    return { tenant_id, version: Number(before.version), changed: false, document_sha256: sha256 };
  }
  const version = Number(before?.version ?? 0) + 1;
  const { rows } = await client.query<TenantRow>(
    `insert into control.tenant_file values ($1, $2, $3, $4, now(), $5) returning *`,
    [tenant_id, version, document, sha256, by],
  );
  for (const row of rows) {
    const message = configured(row);
    const { name: topic } = topics.tenantConfig;
    await enqueue(client, { topic, key: tenant_id, type: 'TenantConfigured', message });
  }
  await audit(client, {
    tenant: tenant_id,
    action: 'tenant.applied',
    by,
    detail: { version, document_sha256: sha256, replaced_sha256: before?.document_sha256 ?? null },
  });
  return { tenant_id, version, changed: true, document_sha256: sha256 };
}

/** Loads the ids that nobody decided about; one record each. */
async function loadIds(
  client: PoolClient,
  tenant: string,
  idmap: readonly IdMapEntry[],
  by: string,
): Promise<Applied['ids']> {
  const { rows } = await client.query<{ entity: string; telematics_id: string }>(
    'select entity, telematics_id from control.mapped_id where tenant_id = $1',
    [tenant],
  );
  const known = new Set(rows.map((row) => `${row.entity}/${row.telematics_id}`));
  const fresh = idmap.filter((entry) => !known.has(`${entry.entity}/${entry.telematics_id}`));
  for (const { entity, telematics_id: telematicsId, intervals } of fresh) {
    const change = { tenantId: tenant, entity, telematicsId, intervals, by };
    await enqueueMapping(client, (await changeId(client, change, 'file')).mapping);
  }
  if (fresh.length > 0) {
    await audit(client, { tenant, action: 'mapping.loaded', by, detail: { ids: fresh.length } });
  }
  return { added: fresh.length, kept: idmap.length - fresh.length };
}

interface OutboxTableRow {
  readonly id: string;
  readonly topic: string;
  readonly key: string;
  readonly message_type: string;
  readonly message: unknown;
}

const byName = new Map(allTopics.map((topic) => [topic.name, topic]));

function outboxRow({
  id,
  topic: name,
  key,
  message_type: type,
  message,
}: OutboxTableRow): OutboxRow {
  const topic: Topic | undefined = byName.get(name);
  if (topic === undefined) {
    throw new Fault(`the outbox names the topic ${name}, which the catalogue does not have`, {
      kind: 'bug',
      code: 'UNEXPECTED',
      stage: 'publish',
    });
  }
  return { id, record: { topic, key, message: { type, value: message } } };
}

async function drain(
  pool: Pool,
  limit: number,
  send: (rows: readonly OutboxRow[]) => Promise<void>,
): Promise<number> {
  return transaction(pool, async (client) => {
    const { rows } = await client.query<OutboxTableRow>(
      `select id, topic, key, message_type, message from control.outbox
       order by id limit $1 for update`,
      [limit],
    );
    if (rows.length === 0) return 0;
    await send(rows.map(outboxRow));
    await client.query('delete from control.outbox where id = any($1::bigint[])', [
      rows.map(({ id }) => id),
    ]);
    return rows.length;
  });
}

function applied(row: TenantRow): AppliedTenant {
  const { document: _document, ...rest } = configured(row);
  return rest;
}

/** Runs a query; what it throws becomes a Fault. */
async function asked<R>(work: () => Promise<R>): Promise<R> {
  try {
    return await work();
  } catch (error) {
    throw classify(error);
  }
}

/** Opens the control database and brings its tables up to date. Throws Faults as `classify` makes them. */
export async function openControl(url: string): Promise<ControlStore> {
  const pool = createPool(url, { applicationName: 'console', max: CONNECTIONS });
  await migrate(pool, CONTROL_SCHEMA, migrations);
  return {
    apply: (model, idmap, by) =>
      transaction(pool, async (client) => {
        await lockTenant(client, model.tenant_id);
        const files = await storeFiles(client, model, by);
        return { ...files, ids: await loadIds(client, model.tenant_id, idmap, by) };
      }),
    tenants: () =>
      asked(async () => (await pool.query<TenantRow>(newestFiles, [null])).rows.map(applied)),
    model: (tenant) =>
      asked(async () => {
        const [row] = (await pool.query<TenantRow>(newestFiles, [tenant])).rows;
        return row && readTenant(configured(row));
      }),
    changeMapping: (change) =>
      transaction(pool, async (client) => {
        await lockTenant(client, change.tenantId);
        const result = await changeId(client, change, 'operator');
        if (result.changed) {
          await enqueueMapping(client, result.mapping);
          const { tenantId: tenant, by } = change;
          await audit(client, { tenant, action: 'mapping.changed', by, detail: result.mapping });
        }
        return result;
      }),
    mappings: (tenant) => asked(() => readMappings(pool, tenant)),
    mapping: (tenant, entity, id) => asked(() => readMapping(pool, tenant, entity, id)),
    telematicsIds: (tenant, entity, erpId) =>
      asked(() => readTelematicsIds(pool, tenant, entity, erpId)),
    startRework: (command) => transaction(pool, (client) => storeRework(client, command)),
    openRereads: () => asked(() => openRereads(pool)),
    endReread: (id, marker) => transaction(pool, (client) => endReread(client, id, marker)),
    judge: (verdicts) => transaction(pool, (client) => storeVerdicts(client, verdicts)),
    storePlan: (tenant, units, readTime) =>
      transaction(pool, async (client) => {
        await lockTenant(client, tenant);
        return storePlan(client, tenant, units, readTime);
      }),
    cancelRework: (id, by) => transaction(pool, (client) => cancelRework(client, id, by)),
    rework: (id) => asked(() => readRework(pool, id)),
    drain: (limit, send) => drain(pool, limit, send),
    close: () => pool.end(),
  };
}
