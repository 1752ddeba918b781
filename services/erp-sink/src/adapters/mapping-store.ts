import type { IdMapped, MappingInterval } from '@waybill/contracts';
import type { Inbox } from '@waybill/inbox';
import {
  classify,
  migrate,
  transaction,
  type Migration,
  type Pool,
  type PoolClient,
} from '@waybill/postgres';
import { changedSpans } from '../core/resolve-id.ts';

const MIGRATIONS: readonly Migration[] = [
  {
    id: '101-mapping',
    sql: `
      -- The id map as this service has it. intervals are what facts are resolved with; applied_… say
      -- for which version the inbox was already looked through.
      create table mapping (
        tenant text not null,
        ref text not null,
        version bigint not null,
        intervals jsonb not null,
        applied_version bigint not null default 0,
        applied_intervals jsonb not null default '[]',
        primary key (tenant, ref)
      )`,
  },
];

/** The id map in the delivery database, so that resolving and reworking never miss each other. */
export interface MappingStore {
  readonly migrate: () => Promise<void>;
  /** Validity intervals by ref (`<entity>/<telematics id>`); a ref without mapping is absent. */
  readonly intervals: (
    tenantId: string,
    refs: readonly string[],
  ) => Promise<ReadonlyMap<string, readonly MappingInterval[]>>;
  /**
   * Takes a version of a mapping and makes every fact due whose id changed by it. Safe to repeat.
   * Resolves with the number of facts.
   */
  readonly apply: (mapping: IdMapped) => Promise<number>;
}

interface Stored {
  readonly version: string;
  readonly intervals: readonly MappingInterval[];
  readonly applied_version: string;
  readonly applied_intervals: readonly MappingInterval[];
}

/**
 * Two transactions on purpose: the new intervals are visible to every worker before the inbox is looked
 * through. So a fact is either resolved with them, or stands in the inbox early enough to be found.
 */
export function mappingStore(pool: Pool, inbox: Inbox): MappingStore {
  return {
    migrate: async () => {
      await migrate(pool, 'delivery', MIGRATIONS);
    },
    intervals: async (tenantId, refs) => {
      if (refs.length === 0) return new Map();
      const { rows } = await pool
        .query<{ ref: string; intervals: readonly MappingInterval[] }>(
          'SELECT ref, intervals FROM delivery.mapping WHERE tenant = $1 AND ref = ANY($2)',
          [tenantId, [...refs]],
        )
        .catch((error: unknown) => {
          throw classify(error);
        });
      return new Map(rows.map((row) => [row.ref, row.intervals]));
    },
    apply: async (mapping) => {
      const ref = `${mapping.entity}/${mapping.telematics_id}`;
      if (await isApplied(pool, mapping, ref)) return 0;
      const intervals = mapping.deleted ? [] : mapping.intervals;
      await transaction(pool, (tx) =>
        tx.query(
          `INSERT INTO delivery.mapping AS m (tenant, ref, version, intervals)
           VALUES ($1, $2, $3, $4)
           ON CONFLICT (tenant, ref) DO UPDATE
           SET version = excluded.version, intervals = excluded.intervals
           WHERE excluded.version > m.version`,
          [mapping.tenant_id, ref, mapping.version, JSON.stringify(intervals)],
        ),
      );
      return transaction(pool, (tx) => rework(tx, inbox, mapping.tenant_id, ref));
    },
  };
}

/** The usual case at a start, when the whole table is read again. */
async function isApplied(pool: Pool, mapping: IdMapped, ref: string): Promise<boolean> {
  const { rowCount } = await pool
    .query(
      'SELECT 1 FROM delivery.mapping WHERE tenant = $1 AND ref = $2 AND applied_version >= $3',
      [mapping.tenant_id, ref, mapping.version],
    )
    .catch((error: unknown) => {
      throw classify(error);
    });
  return rowCount === 1;
}

async function rework(
  tx: PoolClient,
  inbox: Inbox,
  tenantId: string,
  ref: string,
): Promise<number> {
  const { rows } = await tx.query<Stored>(
    `SELECT version, intervals, applied_version, applied_intervals FROM delivery.mapping
     WHERE tenant = $1 AND ref = $2 FOR UPDATE`,
    [tenantId, ref],
  );
  const [stored] = rows;
  if (stored === undefined || stored.version === stored.applied_version) return 0;
  const spans = changedSpans(stored.applied_intervals, stored.intervals);
  const facts = await inbox.resolveAgain(tx, { tenantId, ref, spans });
  await tx.query(
    `UPDATE delivery.mapping SET applied_version = version, applied_intervals = intervals
     WHERE tenant = $1 AND ref = $2`,
    [tenantId, ref],
  );
  return facts;
}
