// A tenant's ERP as deploy/tenants describes it: real schema, seed, mappings and canonical queries.
import { readFileSync } from 'node:fs';
import { loadTenant } from '@waybill/tenant';
import { Pool } from 'pg';
import { createPostgresErp } from '../postgres-adapter.ts';
import type { ErpAdapter } from '../port.ts';

export type TenantName = 'bay-cabs' | 'hudson-waste';

const TENANTS = new URL('../../../../deploy/tenants/', import.meta.url);

/** How the two tenants' days and ids differ, so that one test can run on both. */
export const SETTINGS = {
  'bay-cabs': {
    zone: 'America/Los_Angeles',
    dates: ['2008-05-19', '2008-05-20', '2008-05-21', '2008-05-22'],
    /** 12:00 local on the first date. */
    noon: Date.parse('2008-05-19T19:00:00Z'),
    vehicles: ['CAB-abboip', 'CAB-aiwalb'],
    sites: ['SITE-SF-1', 'SITE-SF-2'],
    close: `UPDATE erp.period SET closed_at = now() WHERE business_date = $1`,
    reopen: `UPDATE erp.period SET closed_at = NULL WHERE business_date = $1`,
    tripTable: 'erp.trip',
    amendmentTable: 'erp.period_amendment',
    bookedColumn: 'booked_business_date',
  },
  'hudson-waste': {
    zone: 'America/New_York',
    dates: ['2015-12-08', '2015-12-09', '2015-12-10', '2015-12-11'],
    noon: Date.parse('2015-12-08T17:00:00Z'),
    vehicles: ['TRK-S-9', 'TRK-SPARE-1'],
    sites: ['SITE-JC-1', 'SITE-JC-2'],
    close: `UPDATE fleetops.gl_calendar SET locked_on = now() WHERE gl_day = $1`,
    reopen: `UPDATE fleetops.gl_calendar SET locked_on = NULL WHERE gl_day = $1`,
    tripTable: 'fleetops.haul',
    amendmentTable: 'fleetops.adjustment',
    bookedColumn: 'posted_day',
  },
} as const;

export interface TenantErp {
  readonly erp: ErpAdapter;
  readonly pool: Pool;
  readonly url: string;
  readonly settings: (typeof SETTINGS)[TenantName];
  readonly close: (date: string) => Promise<void>;
  readonly reopenAll: () => Promise<void>;
  /** Effective rows by the tenant's canonical.sql. */
  readonly canonical: (name: 'trips' | 'visits' | 'orders') => Promise<Record<string, unknown>[]>;
  readonly stop: () => Promise<void>;
}

function read(tenant: TenantName, file: string): string {
  return readFileSync(new URL(`${tenant}/erp/${file}`, TENANTS), 'utf8');
}

export async function openTenantErp(tenant: TenantName, url: string): Promise<TenantErp> {
  const { model } = await loadTenant(new URL(tenant, TENANTS).pathname);
  const pool = new Pool({ connectionString: url, max: 4 });
  await pool.query(read(tenant, 'schema.sql'));
  await pool.query(read(tenant, 'seed.sql'));
  const settings = SETTINGS[tenant];
  const erp = createPostgresErp({ url, zone: model.company.zone, mappings: model.mappings });
  const queries = read(tenant, 'canonical.sql').split(/^-- name: /m);
  return {
    erp,
    pool,
    url,
    settings,
    close: async (date) => {
      await pool.query(settings.close, [date]);
    },
    reopenAll: async () => {
      for (const date of settings.dates) await pool.query(settings.reopen, [date]);
    },
    canonical: async (name) => {
      const query = queries.find((part) => part.startsWith(`${name}\n`));
      const { rows } = await pool.query<Record<string, unknown>>(query?.slice(name.length) ?? '');
      return rows;
    },
    stop: async () => {
      await erp.close();
      await pool.end();
    },
  };
}
