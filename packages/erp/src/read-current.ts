import type { PoolClient } from '@waybill/postgres';
import type { AmendmentState, CurrentState, RowState } from './decide.ts';
import { decimalsOf, evaluate, untranslate, type SqlValue } from './expression.ts';
import { columnOf, type Expression } from './mapping.ts';
import type { AmendmentKind, ErpFact, Triple } from './port.ts';
import type { Bound, Statement, Statements } from './statements.ts';

type Row = Readonly<Record<string, string | boolean | null>>;

/** A stored number as an integer of its last decimal, so that sums are exact. */
export function scaled(value: number, expression: Expression): number {
  return Math.round(value * 10 ** decimalsOf(expression));
}

function text(row: Row, column: string): string | null {
  const value = row[column];
  return typeof value === 'string' ? value : null;
}

function tripleOf(row: Row): Triple | null {
  const revision = text(row, 'revision');
  if (revision === null) return null;
  return {
    revision: Number(revision),
    activation: Number(text(row, 'activation') ?? 0),
    resolution: Number(text(row, 'resolution') ?? 0),
  };
}

function sumsOf(row: Row, statements: Statements): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { field, expression } of statements.sums) {
    const stored = text(row, field);
    if (stored !== null) sums[field] = scaled(Number(stored), expression);
  }
  return sums;
}

function changedOf(row: Row, bound: readonly Bound[]): string[] {
  return bound.filter((_, index) => row[`c${index}`] === true).map((b) => b.expression.from);
}

async function rowsOf(
  client: PoolClient,
  statement: Statement,
  values: readonly unknown[],
): Promise<readonly Row[]> {
  const { rows } = await client.query<Row>({ ...statement, values: [...values] });
  return rows;
}

function rowState(row: Row, statements: Statements): RowState {
  return {
    triple: tripleOf(row),
    withdrawn: row['withdrawn'] === true,
    subject: text(row, 'subject'),
    site: text(row, 'site'),
    date: text(row, 'date'),
    sums: sumsOf(row, statements),
    changed: changedOf(row, statements.columns),
  };
}

function amendmentState(row: Row, statements: Statements): AmendmentState {
  const columns = statements.mapping.amendment?.columns ?? {};
  const kind = columns[columnOf(columns, 'kind') ?? ''];
  const stored = text(row, 'kind') ?? '';
  return {
    // A mapping may translate the three kinds, and nothing else stands in the column.
    kind: (kind === undefined ? stored : untranslate(kind, stored)) as AmendmentKind,
    triple: tripleOf(row) ?? { revision: 0, activation: 0, resolution: 0 },
    subject: text(row, 'subject'),
    site: text(row, 'site'),
    date: text(row, 'date'),
    sums: sumsOf(row, statements),
    changed: changedOf(row, statements.absolutes),
  };
}

/** What the ERP has of the record, with its row locked and compared with the new version. */
export async function readCurrent(
  client: PoolClient,
  statements: Statements,
  fact: ErpFact,
  parameters: readonly SqlValue[],
  zone: string,
): Promise<CurrentState> {
  const { selectAmendments, amendmentsByEntity, absolutes } = statements;
  const [row] = await rowsOf(client, statements.selectRow, [fact.entityId, ...parameters]);
  if (selectAmendments === undefined) {
    return { row: row && rowState(row, statements), amendments: [] };
  }
  const columns = statements.mapping.amendment?.columns ?? {};
  const entity = columns[columnOf(columns, 'entity') ?? ''];
  const found = await rowsOf(client, selectAmendments, [
    fact.entityId,
    ...(amendmentsByEntity && entity ? [evaluate(entity, fact.entity, zone)] : []),
    ...absolutes.map(({ expression }) => evaluate(expression, fact.fields[expression.from], zone)),
  ]);
  return {
    row: row && rowState(row, statements),
    amendments: found.map((amendment) => amendmentState(amendment, statements)),
  };
}
