import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';

/** One row of business columns, all as text; null stays null. */
export type CanonicalRow = Readonly<Record<string, string | null>>;

/** Effective rows of a tenant's ERP: each summed with its amendments. */
export interface CanonicalRows {
  readonly trips: readonly CanonicalRow[];
  readonly visits: readonly CanonicalRow[];
  readonly orders: readonly CanonicalRow[];
}

function queryOf(text: string, name: string): string | undefined {
  const part = text.split(/^-- name: /m).find((candidate) => candidate.startsWith(`${name}\n`));
  return part?.slice(name.length);
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Reads a tenant's ERP through deploy/tenants/<tenant>/erp/canonical.sql. */
export async function readCanonical(
  pool: pg.Pool,
  tenantsDir: string,
  tenant: string,
): Promise<CanonicalRows> {
  const text = readFileSync(join(tenantsDir, tenant, 'erp/canonical.sql'), 'utf8');
  const read = async (name: string): Promise<CanonicalRow[]> => {
    const query = queryOf(text, name);
    if (query === undefined) return [];
    const { rows } = await pool.query<Record<string, unknown>>(query);
    return rows.map((row) =>
      Object.fromEntries(Object.entries(row).map(([column, value]) => [column, textOf(value)])),
    );
  };
  return { trips: await read('trips'), visits: await read('visits'), orders: await read('orders') };
}
