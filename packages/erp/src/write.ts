import { hashId } from '@waybill/domain';
import type { PoolClient } from '@waybill/postgres';
import {
  decide,
  SUBJECT,
  type CurrentState,
  type Entry,
  type NewVersion,
  type PeriodState,
} from './decide.ts';
import { decimalsOf, evaluate, scaleNumber, type SqlValue } from './expression.ts';
import { columnOf, subjectOf } from './mapping.ts';
import type { AmendmentKind, ErpFact, FieldValue, Triple, WriteResult } from './port.ts';
import { readCurrent, scaled } from './read-current.ts';
import type { Bound, Statement, Statements } from './statements.ts';

/** One write: everything that the steps of its transaction share. */
interface Write {
  readonly client: PoolClient;
  readonly statements: Statements;
  readonly fact: ErpFact;
  readonly triple: Triple;
  readonly zone: string;
  /** Dates that the ERP's lock refused although its period table shows them open. */
  readonly refused: ReadonlySet<string>;
}

/** A lock of the record for the transaction: also where there is no row to lock yet. */
export function lockKey(table: string, key: string): bigint {
  return BigInt.asIntN(64, BigInt(`0x${hashId('erp', table, key).slice(0, 16)}`));
}

function values(bound: readonly Bound[], fact: ErpFact, zone: string): SqlValue[] {
  return bound.map(({ expression }) => evaluate(expression, fact.fields[expression.from], zone));
}

function tripleValues({ revision, activation, resolution }: Triple): string[] {
  return [String(revision), String(activation), String(resolution)];
}

async function run(
  client: PoolClient,
  statement: Statement,
  parameters: readonly unknown[],
): Promise<void> {
  await client.query({ name: statement.name, text: statement.text, values: [...parameters] });
}

function newVersion({ statements, fact, triple, zone }: Write): NewVersion {
  const { columns } = statements.mapping;
  const text = (from: string): string | null => {
    const expression = columns[columnOf(columns, from) ?? ''];
    if (expression === undefined) return null;
    const value = evaluate(expression, fact.fields[from], zone);
    return value === null ? null : String(value);
  };
  const sums: Record<string, number> = {};
  for (const { field, expression } of statements.sums) {
    const value = fact.fields[field];
    if (typeof value !== 'number') continue;
    sums[field] = scaled(scaleNumber(expression, value), expression);
  }
  return {
    triple,
    retracted: fact.retracted,
    subject: text(subjectOf(statements.mapping)),
    site: text('site_id'),
    date: text('business_date'),
    sums,
  };
}

async function readPeriods(
  { client, statements, refused }: Write,
  dates: readonly (string | null)[],
): Promise<(date: string | null) => PeriodState> {
  const { selectPeriods } = statements;
  if (selectPeriods === undefined) return () => 'open';
  const wanted = [...new Set(dates.filter((date) => date !== null))];
  const { rows } = await client.query<{ date: string; closed: boolean }>({
    name: selectPeriods.name,
    text: selectPeriods.text,
    values: [wanted],
  });
  const closed = new Map(rows.map((row) => [row.date, row.closed]));
  return (date) => {
    const found = closed.get(date ?? '');
    if (found === undefined) return 'missing';
    return found || refused.has(date ?? '') ? 'closed' : 'open';
  };
}

/** The company's current open period: the earliest open date that is not before the original one. */
async function bookedDate(write: Write, original: string | null): Promise<string | undefined> {
  const { client, statements, refused } = write;
  const { selectOpen } = statements;
  if (selectOpen === undefined) return original ?? undefined;
  const { rows } = await client.query<{ date: string }>({
    name: selectOpen.name,
    text: selectOpen.text,
    values: [original, [...refused]],
  });
  return rows[0]?.date;
}

function amendmentValue(write: Write, entry: Entry, booked: string, bound: Bound): SqlValue {
  const { fact, triple, zone } = write;
  const { expression } = bound;
  const difference = entry.sums[expression.from];
  if (difference !== undefined) {
    const decimals = decimalsOf(expression);
    return (difference / 10 ** decimals).toFixed(decimals);
  }
  const own: Readonly<Record<string, FieldValue>> = {
    entity: fact.entity,
    entity_id: fact.entityId,
    kind: entry.kind,
    original_business_date: entry.date,
    booked_business_date: booked,
    revision: triple.revision,
    activation: triple.activation,
    resolution: triple.resolution,
  };
  const { from } = expression;
  // Stored forms already: they come from the ERP, or were evaluated for the row.
  if (from === subjectOf(write.statements.mapping)) return entry.subject;
  if (from === 'site_id') return entry.site;
  if (from in own) return evaluate(expression, own[from], zone);
  if (entry.kind === 'reversal') return null;
  const isDifference = write.statements.sums.some(({ field }) => field === from);
  return isDifference ? null : evaluate(expression, fact.fields[from], zone);
}

/** Writes the entries; false when one has no open period to be booked in. */
async function writeAmendments(write: Write, entries: readonly Entry[]): Promise<boolean> {
  const { client, statements, fact, triple } = write;
  const { insertAmendment, amendmentColumns } = statements;
  if (insertAmendment === undefined) return false;
  for (const entry of entries) {
    const booked = await bookedDate(write, entry.date);
    if (booked === undefined) return false;
    const id = hashId('amendment', fact.eventId, ...tripleValues(triple), entry.kind);
    const columns = amendmentColumns.map((bound) => amendmentValue(write, entry, booked, bound));
    await run(client, insertAmendment, [id, ...columns]);
  }
  return true;
}

/** Thrown to roll back what was begun when an outcome says that nothing is written. */
export class NothingWritten extends Error {
  readonly reason: string;
  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }
}

/**
 * One write inside a transaction that already holds the record's lock. Returns what was done; throws
 * NothingWritten when an amendment has no open period.
 */
export async function writeFact(write: Write): Promise<WriteResult> {
  const { client, statements, fact, triple, zone } = write;
  const { mapping, columns } = statements;
  const result = (
    outcome: WriteResult['outcome'],
    facts: Partial<WriteResult> = {},
  ): WriteResult => ({
    outcome,
    duplicate: false,
    reason: null,
    table: mapping.table,
    key: fact.entityId,
    changedFields: [],
    amendments: [],
    ...facts,
  });
  const parameters = values(columns, fact, zone);
  const current = await readCurrent(client, statements, fact, parameters, zone);
  if (mapping.mode === 'update' && current.row === undefined) {
    return result('MISSING', { reason: 'ROW_MISSING' });
  }
  const next = newVersion(write);
  if (fact.retracted && statements.withdraw === undefined) {
    return result('UNCHANGED', { reason: 'NOT_WITHDRAWABLE' });
  }
  const period = await readPeriods(write, datesOf(current, next));
  const absolutes = new Set(statements.absolutes.map(({ expression }) => expression.from));
  const decision = decide(next, current, period, absolutes);
  const key = fact.entityId;
  const newTriple = tripleValues(triple);
  switch (decision.do) {
    case 'superseded':
      return result('SUPERSEDED');
    case 'duplicate':
      return result('UNCHANGED', { duplicate: true, amendments: decision.amendments });
    case 'insert':
      await run(client, statements.insert, [key, ...parameters, ...newTriple]);
      return result('INSERTED');
    case 'update':
      await run(client, statements.update, [key, ...parameters, ...newTriple]);
      return result('UPDATED', { changedFields: decision.changed });
    case 'touch':
      await run(client, statements.touch, [key, ...newTriple]);
      return result('UNCHANGED', { reason: decision.reason });
    case 'nothing':
      return result('UNCHANGED', { reason: decision.reason });
    case 'withdraw':
      if (statements.withdraw) await run(client, statements.withdraw, [key, ...newTriple]);
      return result('RETRACTED');
    case 'manual':
      return result('MANUAL', { reason: decision.reason });
    case 'amend': {
      if (decision.withdrawRow && statements.withdraw) {
        await run(client, statements.withdraw, [key, ...newTriple]);
      }
      if (!(await writeAmendments(write, decision.entries))) {
        throw new NothingWritten('NO_OPEN_PERIOD');
      }
      const kinds: readonly AmendmentKind[] = decision.entries.map(({ kind }) => kind);
      const named = decision.changed.map((field) =>
        field === SUBJECT ? subjectOf(mapping) : field,
      );
      return result('AMENDED', { changedFields: [...new Set(named)], amendments: kinds });
    }
  }
}

function datesOf(current: CurrentState, next: NewVersion): (string | null)[] {
  return [
    next.date,
    current.row?.date ?? null,
    ...current.amendments.map((amendment) => amendment.date),
  ];
}
