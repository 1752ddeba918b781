import { round } from '@waybill/domain';
import type { Pool } from '@waybill/postgres';
import { inOrder } from './decide.ts';
import { evaluate, readBack, untranslate } from './expression.ts';
import { columnOf, DIFFERENCE_FIELDS, type Columns, type ErpMapping } from './mapping.ts';
import type { AmendmentKind, ErpPeriod, ErpRecord, Triple } from './port.ts';
import { quoteName, type Bound, type Statements } from './statements.ts';
import { newestTriple } from './triple.ts';

/** What an amendment says about itself and not about the record. */
const NOT_OF_THE_RECORD: ReadonlySet<string> = new Set(
  'entity entity_id kind booked_business_date revision activation resolution'.split(' '),
);

/** Enough to take the noise of binary sums away. */
const SUM_DECIMALS = 6;

type Row = Readonly<Record<string, string | boolean | null>>;
type Fields = Record<string, string | number | null>;

/** Columns as text under `f<i>`; times as ms since epoch, local ones through the zone in $1. */
function selectColumns(bound: readonly Bound[]): string {
  return bound
    .map(({ column, expression }, index) => {
      const name = quoteName(column);
      const instant = (text: string): string => `round(extract(epoch FROM ${text}) * 1000)::text`;
      const text =
        expression.as === 'timestamp'
          ? instant(name)
          : expression.as === 'local_timestamp'
            ? instant(`(${name} AT TIME ZONE $1::text)`)
            : `${name}::text`;
      return `, ${text} AS f${index}`;
    })
    .join('');
}

function fieldsOf(row: Row, bound: readonly Bound[]): Fields {
  const fields: Fields = {};
  for (const [index, { expression }] of bound.entries()) {
    const value = row[`f${index}`];
    fields[expression.from] = readBack(expression, typeof value === 'string' ? value : null);
  }
  return fields;
}

function tripleOf(row: Row): Triple | undefined {
  if (row['revision'] === null || row['revision'] === undefined) return undefined;
  return {
    revision: Number(row['revision']),
    activation: Number(row['activation']),
    resolution: Number(row['resolution']),
  };
}

function bind(columns: Columns): Bound[] {
  return Object.entries(columns).map(([column, expression]) => ({ column, expression }));
}

async function readRows(
  pool: Pool,
  { mapping, key }: Statements,
  zone: string,
  keys: readonly string[] | undefined,
): Promise<readonly Row[]> {
  const { revision, activation, resolution } = mapping.triple;
  const withdrawn = mapping.retracted === undefined ? 'false' : quoteName(mapping.retracted);
  const keyName = quoteName(key.column);
  const { rows } = await pool.query<Row>(
    `SELECT ${keyName}::text AS key, ${withdrawn} AS withdrawn,
       ${quoteName(revision)}::text AS revision, ${quoteName(activation)}::text AS activation,
       ${quoteName(resolution)}::text AS resolution${selectColumns(bind(mapping.columns))}
     FROM ${quoteName(mapping.table)}
     WHERE $1::text IS NOT NULL AND ($2::text[] IS NULL OR ${keyName}::text = ANY($2))`,
    [zone, keys === undefined ? null : [...keys]],
  );
  return rows;
}

async function readAmendments(
  pool: Pool,
  mapping: ErpMapping,
  zone: string,
  keys: readonly string[] | undefined,
): Promise<readonly Row[]> {
  const { amendment, entity } = mapping;
  if (amendment === undefined) return [];
  const { columns } = amendment;
  const column = (from: string): string => quoteName(columnOf(columns, from) ?? from);
  const entityExpression = columns[columnOf(columns, 'entity') ?? ''];
  const word = entityExpression === undefined ? null : evaluate(entityExpression, entity, zone);
  const ofEntity =
    entityExpression === undefined ? '$3::text IS NULL' : `${column('entity')}::text = $3`;
  const { rows } = await pool.query<Row>(
    `SELECT ${column('entity_id')}::text AS key, ${column('kind')}::text AS kind,
       ${column('revision')}::text AS revision, ${column('activation')}::text AS activation,
       ${column('resolution')}::text AS resolution${selectColumns(bind(columns))}
     FROM ${quoteName(amendment.table)}
     WHERE $1::text IS NOT NULL AND ${ofEntity}
       AND ($2::text[] IS NULL OR ${column('entity_id')}::text = ANY($2))`,
    [zone, keys === undefined ? null : [...keys], word],
  );
  return rows;
}

interface Amendment {
  readonly kind: AmendmentKind;
  readonly triple: Triple;
  readonly fields: Fields;
}

function amendmentOf(row: Row, mapping: ErpMapping): Amendment {
  const columns = mapping.amendment?.columns ?? {};
  const kind = columns[columnOf(columns, 'kind') ?? ''];
  const stored = String(row['kind']);
  return {
    // The column holds one of the three kinds, perhaps translated.
    kind: (kind === undefined ? stored : untranslate(kind, stored)) as AmendmentKind,
    triple: tripleOf(row) ?? { revision: 0, activation: 0, resolution: 0 },
    fields: fieldsOf(row, bind(columns)),
  };
}

/** Absolute fields of the newest amendment over those of the row; differences added up. */
function merge(row: Fields | undefined, amendments: readonly Amendment[]): Fields {
  const fields: Fields = { ...row };
  const newest = amendments.at(-1);
  if (newest === undefined) return fields;
  for (const field of DIFFERENCE_FIELDS) {
    const parts = [row, ...amendments.map((amendment) => amendment.fields)]
      .map((part) => part?.[field])
      .filter((part) => typeof part === 'number');
    if (parts.length > 0)
      fields[field] = round(
        parts.reduce((sum, part) => sum + part, 0),
        SUM_DECIMALS,
      );
  }
  for (const [field, value] of Object.entries(newest.fields)) {
    if (NOT_OF_THE_RECORD.has(field) || DIFFERENCE_FIELDS.includes(field)) continue;
    fields[field === 'original_business_date' ? 'business_date' : field] = value;
  }
  return fields;
}

function recordOf(
  key: string,
  row: Row | undefined,
  own: readonly Row[],
  st: Statements,
): ErpRecord {
  const sorted = inOrder(own.map((amendment) => amendmentOf(amendment, st.mapping)));
  const newest = sorted.at(-1);
  const withdrawn = row?.['withdrawn'] === true;
  const rowTriple = row && tripleOf(row);
  const triples = [...(rowTriple ? [rowTriple] : []), ...sorted.map(({ triple }) => triple)];
  const rowFields = row === undefined || withdrawn ? undefined : fieldsOf(row, st.columns);
  return {
    key,
    triple: newestTriple(triples) ?? null,
    present: newest === undefined ? row !== undefined && !withdrawn : newest.kind !== 'reversal',
    amendments: sorted.length,
    fields: merge(rowFields, sorted),
  };
}

/** Records of an entity with their amendments, in order of key. Distances come out rounded to 10 m. */
export async function readRecords(
  pool: Pool,
  statements: Statements,
  zone: string,
  keys: readonly string[] | undefined,
): Promise<readonly ErpRecord[]> {
  const rows = await readRows(pool, statements, zone, keys);
  const amendments = await readAmendments(pool, statements.mapping, zone, keys);
  const byKey = new Map(rows.map((row) => [String(row['key']), row]));
  const amendmentsByKey = Map.groupBy(amendments, (row) => String(row['key']));
  const all = [...new Set([...byKey.keys(), ...amendmentsByKey.keys()])].sort();
  return all.map((key) =>
    recordOf(key, byKey.get(key), amendmentsByKey.get(key) ?? [], statements),
  );
}

/** All periods of a mapping's period table, ascending. */
export async function readPeriods(
  pool: Pool,
  period: NonNullable<ErpMapping['period']>,
): Promise<readonly ErpPeriod[]> {
  const [table, date, closedAt] = [period.table, period.date, period.closed_at].map(quoteName);
  const { rows } = await pool.query<{ date: string; closed: string | null }>(
    `SELECT ${date}::text AS date, round(extract(epoch FROM ${closedAt}) * 1000)::text AS closed
     FROM ${table} ORDER BY 1`,
  );
  return rows.map((row) => ({
    date: row.date,
    closedTime: row.closed === null ? null : Number(row.closed),
  }));
}
