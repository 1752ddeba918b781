import { shortHash } from '@waybill/domain';
import { Fault } from '@waybill/fault';
import {
  columnOf,
  DIFFERENCE_FIELDS,
  subjectOf,
  type Columns,
  type ErpMapping,
  type Expression,
} from './mapping.ts';

/** A statement that the server keeps prepared, per connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** A column that is written, with what it is made of. */
export interface Bound {
  readonly column: string;
  readonly expression: Expression;
}

/** The SQL of one mapping, made once. Parameters are the bound columns in order. */
export interface Statements {
  readonly mapping: ErpMapping;
  readonly key: Bound;
  /** All columns but the key, in parameter order. */
  readonly columns: readonly Bound[];
  readonly amendmentColumns: readonly Bound[];
  /** Fields summed over row and amendments. */
  readonly sums: readonly { readonly field: string; readonly expression: Expression }[];
  /** Amendment fields whose new absolute value counts as a difference. */
  readonly absolutes: readonly Bound[];
  /** $1 key, then the columns: row with triple, sums, and one flag `c<i>` per column that differs. */
  readonly selectRow: Statement;
  /** $1 entity id, [$2 entity], then the absolutes: amendments with flags `c<i>`. */
  readonly selectAmendments: Statement | undefined;
  readonly amendmentsByEntity: boolean;
  /** key, columns, triple. */
  readonly insert: Statement;
  /** key, columns, triple. */
  readonly update: Statement;
  /** key, triple. */
  readonly touch: Statement;
  /** key, triple. */
  readonly withdraw: Statement | undefined;
  /** amendment id, amendment columns. */
  readonly insertAmendment: Statement | undefined;
  /** $1 dates: `date`, `closed`; locks them against a closing. */
  readonly selectPeriods: Statement | undefined;
  /** $1 least date, $2 dates to leave out: first open date. */
  readonly selectOpen: Statement | undefined;
}

/** Quotes a name, or schema.name. */
export function quoteName(name: string): string {
  return name
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.');
}

function statement(text: string): Statement {
  return { name: `waybill_${shortHash(text)}`, text };
}

/** `"column"::text AS alias`, or a null of that name when the mapping has no such column. */
export function selectAs(columns: Columns, from: string, alias: string): string {
  const column = columnOf(columns, from);
  return `${column === undefined ? 'NULL' : `${quoteName(column)}::text`} AS ${alias}`;
}

function flags(bound: readonly Bound[], firstParameter: number): string {
  return bound
    .map(
      ({ column }, index) =>
        `, ${quoteName(column)} IS DISTINCT FROM $${firstParameter + index} AS c${index}`,
    )
    .join('');
}

function bind(columns: Columns): Bound[] {
  return Object.entries(columns).map(([column, expression]) => ({ column, expression }));
}

function tripleColumns(mapping: ErpMapping): readonly string[] {
  const { revision, activation, resolution } = mapping.triple;
  return [revision, activation, resolution];
}

function selectRow(mapping: ErpMapping, key: Bound, columns: readonly Bound[]): Statement {
  const [revision, activation, resolution] = tripleColumns(mapping).map(quoteName);
  const sums = DIFFERENCE_FIELDS.map((field) => selectAs(mapping.columns, field, field));
  const withdrawn = mapping.retracted === undefined ? 'false' : quoteName(mapping.retracted);
  return statement(
    `SELECT ${revision}::text AS revision, ${activation}::text AS activation,
       ${resolution}::text AS resolution, ${withdrawn} AS withdrawn,
       ${selectAs(mapping.columns, subjectOf(mapping), 'subject')},
       ${selectAs(mapping.columns, 'site_id', 'site')},
       ${selectAs(mapping.columns, 'business_date', 'date')},
       ${sums.join(', ')}${flags(columns, 2)}
     FROM ${quoteName(mapping.table)} WHERE ${quoteName(key.column)} = $1 FOR UPDATE`,
  );
}

function selectAmendments(
  mapping: ErpMapping,
  amendment: NonNullable<ErpMapping['amendment']>,
  absolutes: readonly Bound[],
): { readonly statement: Statement; readonly byEntity: boolean } {
  const { columns } = amendment;
  const entity = columnOf(columns, 'entity');
  const entityId = columnOf(columns, 'entity_id') ?? '';
  const sums = DIFFERENCE_FIELDS.map((field) => selectAs(columns, field, field));
  const head = ['revision', 'activation', 'resolution', 'kind'].map((f) => selectAs(columns, f, f));
  const where = entity === undefined ? '' : ` AND ${quoteName(entity)} = $2`;
  return {
    byEntity: entity !== undefined,
    statement: statement(
      `SELECT ${head.join(', ')},
         ${selectAs(columns, subjectOf(mapping), 'subject')}, ${selectAs(columns, 'site_id', 'site')},
         ${selectAs(columns, 'original_business_date', 'date')},
         ${sums.join(', ')}${flags(absolutes, entity === undefined ? 2 : 3)}
       FROM ${quoteName(amendment.table)} WHERE ${quoteName(entityId)} = $1${where}`,
    ),
  };
}

function insert(table: string, columns: readonly string[], conflict = ''): Statement {
  const names = columns.map(quoteName).join(', ');
  const values = columns.map((_, index) => `$${index + 1}`).join(', ');
  return statement(`INSERT INTO ${quoteName(table)} (${names}) VALUES (${values})${conflict}`);
}

function set(table: string, key: string, columns: readonly string[], extra = ''): Statement {
  const assignments = columns.map((column, index) => `${quoteName(column)} = $${index + 2}`);
  return statement(
    `UPDATE ${quoteName(table)} SET ${assignments.join(', ')}${extra} WHERE ${quoteName(key)} = $1`,
  );
}

function periodStatements(
  period: ErpMapping['period'],
): Pick<Statements, 'selectPeriods' | 'selectOpen'> {
  if (period === undefined) return { selectPeriods: undefined, selectOpen: undefined };
  const [table, date, closedAt] = [period.table, period.date, period.closed_at].map(quoteName);
  return {
    selectPeriods: statement(
      `SELECT ${date}::text AS date, ${closedAt} IS NOT NULL AS closed FROM ${table}
       WHERE ${date} = ANY($1::date[]) ORDER BY ${date} FOR SHARE`,
    ),
    selectOpen: statement(
      `SELECT ${date}::text AS date FROM ${table}
       WHERE ${closedAt} IS NULL AND ${date} >= $1::date AND ${date} <> ALL($2::date[])
       ORDER BY ${date} LIMIT 1 FOR SHARE`,
    ),
  };
}

/** Amendment fields that are no absolute value of the record. */
const NOT_ABSOLUTE: ReadonlySet<string> = new Set([
  'amendment_id',
  'entity',
  'entity_id',
  'kind',
  'vehicle_id',
  'driver_id',
  'site_id',
  'original_business_date',
  'booked_business_date',
  'revision',
  'activation',
  'resolution',
  ...DIFFERENCE_FIELDS,
]);

/** Makes the statements of a mapping that `checkMapping` accepted. */
export function compileStatements(mapping: ErpMapping): Statements {
  const [key] = bind(mapping.key);
  if (key === undefined) {
    throw new Fault(`mapping of ${mapping.entity} has no key`, {
      kind: 'bug',
      code: 'MAPPING_UNCHECKED',
      stage: 'deliver',
    });
  }
  const columns = bind(mapping.columns);
  const triple = tripleColumns(mapping);
  const amendmentColumns = bind(mapping.amendment?.columns ?? {});
  const absolutes = amendmentColumns.filter(({ expression }) => !NOT_ABSOLUTE.has(expression.from));
  const sums = DIFFERENCE_FIELDS.flatMap((field) => {
    const expression = mapping.columns[columnOf(mapping.columns, field) ?? ''];
    return expression === undefined ? [] : [{ field, expression }];
  });
  const names = columns.map(({ column }) => column);
  const { table, retracted, amendment } = mapping;
  const restored = retracted === undefined ? '' : `, ${quoteName(retracted)} = false`;
  const amended =
    amendment === undefined ? undefined : selectAmendments(mapping, amendment, absolutes);
  return {
    mapping,
    key,
    columns,
    amendmentColumns,
    sums,
    absolutes,
    selectRow: selectRow(mapping, key, columns),
    selectAmendments: amended?.statement,
    amendmentsByEntity: amended?.byEntity ?? false,
    insert: insert(table, [key.column, ...names, ...triple]),
    update: set(table, key.column, [...names, ...triple], restored),
    touch: set(table, key.column, triple),
    withdraw:
      retracted === undefined
        ? undefined
        : set(table, key.column, triple, `, ${quoteName(retracted)} = true`),
    insertAmendment:
      amendment === undefined
        ? undefined
        : insert(
            amendment.table,
            [amendment.key, ...amendmentColumns.map(({ column }) => column)],
            ` ON CONFLICT (${quoteName(amendment.key)}) DO NOTHING`,
          ),
    ...periodStatements(mapping.period),
  };
}
