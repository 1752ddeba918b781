import { Fault } from '@waybill/fault';
import type { ErpEntity } from './port.ts';

/** How one deliverable field stands in a column. */
export interface Expression {
  readonly from: string;
  readonly as: 'text' | 'number' | 'boolean' | 'timestamp' | 'local_timestamp' | 'date';
  readonly multiply?: number | undefined;
  /** Decimals that the column keeps; default 6 for numbers. */
  readonly decimals?: number | undefined;
  /** Value translation, ours → the ERP's. */
  readonly values?: Readonly<Record<string, string>> | undefined;
}

export type Columns = Readonly<Record<string, Expression>>;

/** The part of a tenant's mapping file that an adapter needs; fits the tenant model structurally. */
export interface ErpMapping {
  readonly entity: ErpEntity;
  readonly table: string;
  readonly key: Columns;
  readonly columns: Columns;
  readonly triple: {
    readonly revision: string;
    readonly activation: string;
    readonly resolution: string;
  };
  readonly retracted?: string | undefined;
  readonly mode: 'upsert' | 'update';
  readonly amendment?:
    { readonly table: string; readonly key: string; readonly columns: Columns } | undefined;
  readonly period?:
    { readonly table: string; readonly date: string; readonly closed_at: string } | undefined;
}

/** Fields of which an amendment holds the difference; all others are absolute. */
export const DIFFERENCE_FIELDS: readonly string[] = [
  'distance_km',
  'duration_s',
  'dwell_s',
  'moving_s',
  'volume_l',
];

/** Field that says what a row is about, a vehicle or a driver: with another one it is another record. */
export function subjectOf({ entity }: Pick<ErpMapping, 'entity'>): 'vehicle_id' | 'driver_id' {
  return entity === 'shift' ? 'driver_id' : 'vehicle_id';
}

/** Column that holds a field, or undefined. */
export function columnOf(columns: Columns, from: string): string | undefined {
  return Object.keys(columns).find((column) => columns[column]?.from === from);
}

/** The mapping without the columns of fields that the ERP owns; key columns stay. */
export function withoutFields(mapping: ErpMapping, owned: ReadonlySet<string>): ErpMapping {
  if (owned.size === 0) return mapping;
  const keep = (columns: Columns): Columns =>
    Object.fromEntries(Object.entries(columns).filter(([, { from }]) => !owned.has(from)));
  const { amendment } = mapping;
  return {
    ...mapping,
    columns: keep(mapping.columns),
    ...(amendment === undefined
      ? {}
      : { amendment: { ...amendment, columns: keep(amendment.columns) } }),
  };
}

function invalid(mapping: ErpMapping, what: string): Fault {
  return new Fault(`mapping of ${mapping.entity} to ${mapping.table}: ${what}`, {
    kind: 'misconfigured',
    code: 'MAPPING_INVALID',
    stage: 'deliver',
  });
}

/** Throws Fault misconfigured / MAPPING_INVALID for what the adapter could not carry out. */
export function checkMapping(mapping: ErpMapping): void {
  const keys = Object.entries(mapping.key);
  if (keys.length !== 1 || keys[0]?.[1].from !== 'entity_id') {
    throw invalid(mapping, 'expected one key column, from entity_id');
  }
  const { amendment, period, columns } = mapping;
  if (period !== undefined && amendment === undefined) {
    throw invalid(mapping, 'a period needs an amendment table for its closed days');
  }
  if (amendment === undefined) return;
  for (const from of ['entity_id', 'kind', 'original_business_date', 'booked_business_date']) {
    if (columnOf(amendment.columns, from) === undefined) {
      throw invalid(mapping, `the amendment needs a column from ${from}`);
    }
  }
  for (const from of ['revision', 'activation', 'resolution', subjectOf(mapping)]) {
    if (columnOf(amendment.columns, from) === undefined) {
      throw invalid(mapping, `the amendment needs a column from ${from}`);
    }
  }
  for (const from of ['business_date', subjectOf(mapping)]) {
    if (columnOf(columns, from) === undefined) {
      throw invalid(mapping, `an entity with amendments needs a column from ${from}`);
    }
  }
  for (const from of DIFFERENCE_FIELDS) {
    const row = columns[columnOf(columns, from) ?? ''];
    const difference = amendment.columns[columnOf(amendment.columns, from) ?? ''];
    if ((row === undefined) !== (difference === undefined)) {
      throw invalid(mapping, `${from} must be in both or neither of row and amendment`);
    }
    // Otherwise the sum of row and amendments would have no unit.
    if (row?.multiply !== difference?.multiply || row?.decimals !== difference?.decimals) {
      throw invalid(mapping, `${from} must have the same unit and decimals in row and amendment`);
    }
  }
}
