import type { IdMapped, MappedEntity, MappingInterval } from '@waybill/contracts';
import type { Fault } from '@waybill/fault';
import { toInstant, type Pool, type PoolClient } from '@waybill/postgres';
import { sameIntervals } from '../core/intervals.ts';
import { consoleFault } from '../errors.ts';
import type { MappingChange } from '../ports.ts';

type Db = Pick<Pool, 'query'>;

interface IdRow {
  readonly entity: MappedEntity;
  readonly telematics_id: string;
  readonly version: string;
  readonly deleted: boolean;
  readonly erp_id: string | null;
  readonly valid_from_time: Date | null;
  readonly valid_to_time: Date | null;
}

const idsWithIntervals = `select m.entity, m.telematics_id, m.version, m.deleted, i.erp_id,
  i.valid_from_time, i.valid_to_time
from control.mapped_id m
left join control.id_mapping i using (tenant_id, entity, telematics_id)
where m.tenant_id = $1 and (i.id is null or i.until_version is null)
  and ($2::text is null or (m.entity = $2 and m.telematics_id = $3))
order by m.entity, m.telematics_id, i.valid_from_time nulls first`;

/** A deleted id has former intervals only, so it is read without the join. */
const deletedIds = `select entity, telematics_id, version, deleted, null as erp_id,
  null as valid_from_time, null as valid_to_time
from control.mapped_id where tenant_id = $1 and deleted
  and ($2::text is null or (entity = $2 and telematics_id = $3))`;

function instantOf(date: Date | null): number | null {
  return date === null ? null : toInstant(date);
}

async function readIds(
  db: Db,
  tenant: string,
  entity: MappedEntity | null,
  id: string | null,
): Promise<readonly IdMapped[]> {
  const key = [tenant, entity, id];
  const live = (await db.query<IdRow>(idsWithIntervals, key)).rows;
  const deleted = (await db.query<IdRow>(deletedIds, key)).rows;
  const mappings = new Map<string, IdMapped & { readonly intervals: MappingInterval[] }>();
  for (const row of [...live, ...deleted]) {
    const name = `${row.entity}/${row.telematics_id}`;
    let mapping = mappings.get(name);
    if (mapping === undefined) {
      const { entity, telematics_id, version, deleted } = row;
      mapping = {
        tenant_id: tenant,
        entity,
        telematics_id,
        version: Number(version),
        deleted,
        intervals: [],
      };
      mappings.set(name, mapping);
    }
    if (row.erp_id === null) continue;
    mapping.intervals.push({
      erp_id: row.erp_id,
      valid_from_time: instantOf(row.valid_from_time),
      valid_to_time: instantOf(row.valid_to_time),
    });
  }
  return [...mappings.values()];
}

/** All ids of a tenant with the intervals that hold now. */
export async function readMappings(db: Db, tenant: string): Promise<readonly IdMapped[]> {
  return readIds(db, tenant, null, null);
}

/** One id; undefined when nobody ever mapped it. */
export async function readMapping(
  db: Db,
  tenant: string,
  entity: MappedEntity,
  id: string,
): Promise<IdMapped | undefined> {
  return (await readIds(db, tenant, entity, id))[0];
}

/** Telematics ids that ever stood for an ERP id, newest first. */
export async function readTelematicsIds(
  db: Db,
  tenant: string,
  entity: MappedEntity,
  erpId: string,
): Promise<readonly string[]> {
  const { rows } = await db.query<{ telematics_id: string }>(
    `select telematics_id from control.id_mapping
     where tenant_id = $1 and entity = $2 and erp_id = $3
     group by telematics_id order by max(id) desc`,
    [tenant, entity, erpId],
  );
  return rows.map((row) => row.telematics_id);
}

async function insertIntervals(
  client: PoolClient,
  { tenantId, entity, telematicsId, intervals }: MappingChange,
  version: number,
): Promise<void> {
  const text = (ms: number | null): string | null =>
    ms === null ? null : new Date(ms).toISOString();
  await client.query(
    `insert into control.id_mapping
       (tenant_id, entity, telematics_id, erp_id, valid_from_time, valid_to_time, since_version)
     select $1, $2, $3, *, $7 from unnest($4::text[], $5::timestamptz[], $6::timestamptz[])`,
    [
      tenantId,
      entity,
      telematicsId,
      intervals.map((interval) => interval.erp_id),
      intervals.map((interval) => text(interval.valid_from_time)),
      intervals.map((interval) => text(interval.valid_to_time)),
      version,
    ],
  );
}

function overlap({ entity, telematicsId }: MappingChange, cause: unknown): Fault {
  const message = `${entity} ${telematicsId}: intervals overlap or end before they start; give each instant one ERP id`;
  return consoleFault('MAPPING_OVERLAP', message, cause);
}

/**
 * Replaces the intervals of an id as its next version; former intervals stay with the version that
 * ended them. Equal intervals change nothing. The database has the last word about overlaps: Fault
 * `refused` / `MAPPING_OVERLAP`.
 */
export async function changeId(
  client: PoolClient,
  change: MappingChange,
  origin: 'file' | 'operator',
): Promise<{ readonly mapping: IdMapped; readonly changed: boolean }> {
  const { tenantId, entity, telematicsId, intervals, by } = change;
  const before = await readMapping(client, tenantId, entity, telematicsId);
  const deleted = intervals.length === 0;
  if (before && before.deleted === deleted && sameIntervals(before.intervals, intervals)) {
    return { mapping: before, changed: false };
  }
  const version = (before?.version ?? 0) + 1;
  await client.query(
    `insert into control.mapped_id values ($1, $2, $3, $4, $5, $6, now(), $7)
     on conflict (tenant_id, entity, telematics_id) do update set version = excluded.version,
       deleted = excluded.deleted, origin = excluded.origin,
       changed_time = excluded.changed_time, changed_by = excluded.changed_by`,
    [tenantId, entity, telematicsId, version, deleted, origin, by],
  );
  await client.query(
    `update control.id_mapping set until_version = $4
     where tenant_id = $1 and entity = $2 and telematics_id = $3 and until_version is null`,
    [tenantId, entity, telematicsId, version],
  );
  try {
    await insertIntervals(client, change, version);
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    // exclusion_violation, check_violation
    if (code === '23P01' || code === '23514' || code === '22000') throw overlap(change, error);
    throw error;
  }
  const mapping: IdMapped = {
    tenant_id: tenantId,
    entity,
    telematics_id: telematicsId,
    version,
    deleted,
    intervals: [...intervals],
  };
  return { mapping, changed: true };
}
