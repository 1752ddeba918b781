import type { AmendmentKind, Triple } from './port.ts';
import { compareTriple, newestTriple } from './triple.ts';

/**
 * What to do with one version of a record, given what the ERP has. Pure.
 *
 * States of a record: absent; row (open or closed by its business date's period; or withdrawn);
 * amended (has amendment rows, with or without a row). Transitions: while a record has no amendments
 * and its row's period is open, the row itself is written. From the first amendment on, and whenever
 * the row's period is closed, only amendments are added: rows that accounting has seen do not move.
 * Invariant: row (unless withdrawn) + amendments = newest version delivered.
 */

/** Values that decide about identity and sums; numbers are scaled integers of the ERP's unit. */
export interface Facts {
  /** Vehicle, or of a shift the driver. */
  readonly subject: string | null;
  readonly site: string | null;
  /** Business date; null for entities without. */
  readonly date: string | null;
  readonly sums: Readonly<Record<string, number>>;
}

/** Stands among changed fields for the field that holds the subject. */
export const SUBJECT = 'subject';

export interface RowState extends Facts {
  readonly triple: Triple | null;
  readonly withdrawn: boolean;
  /** Fields whose stored value differs from the new version's. */
  readonly changed: readonly string[];
}

export interface AmendmentState extends Facts {
  readonly triple: Triple;
  readonly kind: AmendmentKind;
  /** Absolute fields (times) that differ from the new version's. */
  readonly changed: readonly string[];
}

export interface CurrentState {
  readonly row: RowState | undefined;
  readonly amendments: readonly AmendmentState[];
}

export type PeriodState = 'open' | 'closed' | 'missing';

/** One amendment to write; the times of the new version go with all but a reversal. */
export interface Entry extends Facts {
  readonly kind: AmendmentKind;
}

export type Decision =
  | { readonly do: 'superseded' }
  | { readonly do: 'duplicate'; readonly amendments: readonly AmendmentKind[] }
  | { readonly do: 'insert' }
  | { readonly do: 'update'; readonly changed: readonly string[] }
  | { readonly do: 'withdraw' }
  /** Only the triple moves. */
  | { readonly do: 'touch'; readonly reason: string | null }
  | { readonly do: 'nothing'; readonly reason: string | null }
  | {
      readonly do: 'amend';
      /** The row is open but its new date is closed: it leaves its day and is booked as an addition. */
      readonly withdrawRow: boolean;
      readonly entries: readonly Entry[];
      readonly changed: readonly string[];
    }
  | { readonly do: 'manual'; readonly reason: string };

export interface NewVersion extends Facts {
  readonly triple: Triple;
  readonly retracted: boolean;
}

const RANK: Readonly<Record<AmendmentKind, number>> = { reversal: 0, correction: 1, addition: 2 };

/** Oldest first; of one version the reversal stands before the addition. */
export function inOrder<A extends Pick<AmendmentState, 'triple' | 'kind'>>(
  amendments: readonly A[],
): readonly A[] {
  return amendments.toSorted(
    (a, b) => compareTriple(a.triple, b.triple) || RANK[a.kind] - RANK[b.kind],
  );
}

/** The record in effect; undefined when there is none, or it was withdrawn. */
export function effectiveOf(
  current: CurrentState,
): (Facts & { readonly changed: readonly string[] }) | undefined {
  const { row } = current;
  const amendments = inOrder(current.amendments);
  const newest = amendments.at(-1);
  const base = row === undefined || row.withdrawn ? undefined : row;
  if (newest === undefined) return base;
  if (newest.kind === 'reversal') return undefined;
  const sums: Record<string, number> = { ...base?.sums };
  for (const amendment of amendments) {
    for (const [field, value] of Object.entries(amendment.sums)) {
      sums[field] = (sums[field] ?? 0) + value;
    }
  }
  const { subject, site, date, changed } = newest;
  return { subject, site, date, sums, changed };
}

function differences(next: Facts, now: Facts): Record<string, number> {
  const fields = new Set([...Object.keys(next.sums), ...Object.keys(now.sums)]);
  return Object.fromEntries(
    [...fields].map((field) => [field, (next.sums[field] ?? 0) - (now.sums[field] ?? 0)]),
  );
}

function negated(facts: Facts): Facts {
  const sums = Object.fromEntries(
    Object.entries(facts.sums).map(([field, value]) => [field, 0 - value]),
  );
  return { ...facts, sums };
}

function facts({ subject, site, date, sums }: Facts): Facts {
  return { subject, site, date, sums };
}

function amend(
  entries: readonly Entry[],
  changed: readonly string[],
  withdrawRow = false,
): Decision {
  return { do: 'amend', entries, changed, withdrawRow };
}

/** While nothing is amended and the row (if any) stands in an open period. */
function decideOpen(
  next: NewVersion,
  row: RowState | undefined,
  period: (date: string | null) => PeriodState,
): Decision {
  if (next.retracted) {
    if (row === undefined) return { do: 'nothing', reason: 'NOTHING_TO_WITHDRAW' };
    return row.withdrawn ? { do: 'touch', reason: null } : { do: 'withdraw' };
  }
  switch (period(next.date)) {
    case 'missing':
      return { do: 'manual', reason: 'PERIOD_MISSING' };
    case 'closed':
      return amend([{ ...facts(next), kind: 'addition' }], [], row !== undefined && !row.withdrawn);
    case 'open':
      if (row === undefined) return { do: 'insert' };
      if (row.changed.length === 0 && !row.withdrawn) return { do: 'touch', reason: null };
      return { do: 'update', changed: row.changed };
  }
}

/** The row's period is closed, or the record has amendments already. */
function decideClosed(next: NewVersion, current: CurrentState): Decision {
  const now = effectiveOf(current);
  if (now === undefined) {
    if (next.retracted) return { do: 'nothing', reason: 'NOTHING_TO_WITHDRAW' };
    return amend([{ ...facts(next), kind: 'addition' }], []);
  }
  const reversal: Entry = { ...negated(facts(now)), kind: 'reversal' };
  if (next.retracted) return amend([reversal], []);
  const difference = differences(next, now);
  const changed = [
    ...(next.subject === now.subject ? [] : [SUBJECT]),
    ...(next.site === now.site ? [] : ['site_id']),
    ...(next.date === now.date ? [] : ['business_date']),
    ...Object.keys(difference).filter((field) => difference[field] !== 0),
  ];
  const moved = next.subject !== now.subject || next.site !== now.site || next.date !== now.date;
  const all = [...new Set([...changed, ...now.changed])];
  if (moved) return amend([reversal, { ...facts(next), kind: 'addition' }], all);
  if (all.length === 0) return { do: 'nothing', reason: null };
  return amend([{ ...facts(next), sums: difference, kind: 'correction' }], all);
}

/**
 * Decides about one version. `period` tells the state of a business date; entities without periods
 * answer `open`. `absolutes` are the fields that an amendment can carry, so that a closed row whose
 * other columns differ (a driver, a fix count) counts as unchanged.
 */
export function decide(
  next: NewVersion,
  current: CurrentState,
  period: (date: string | null) => PeriodState,
  absolutes: ReadonlySet<string>,
): Decision {
  const { row, amendments } = current;
  const triples = [...(row?.triple ? [row.triple] : []), ...amendments.map(({ triple }) => triple)];
  const newest = newestTriple(triples);
  if (newest !== undefined) {
    const order = compareTriple(next.triple, newest);
    if (order < 0) return { do: 'superseded' };
    if (order === 0) {
      const same = inOrder(amendments).filter((a) => compareTriple(a.triple, newest) === 0);
      return { do: 'duplicate', amendments: same.map(({ kind }) => kind) };
    }
  }
  const rowPeriod = row === undefined ? 'open' : period(row.date);
  if (rowPeriod === 'missing') return { do: 'manual', reason: 'PERIOD_MISSING' };
  if (amendments.length === 0 && rowPeriod === 'open') return decideOpen(next, row, period);
  const closedRow =
    row === undefined
      ? undefined
      : { ...row, changed: row.changed.filter((field) => absolutes.has(field)) };
  const decision = decideClosed(next, { row: closedRow, amendments });
  const unknown =
    decision.do === 'amend' && decision.entries.some((entry) => period(entry.date) === 'missing');
  return unknown ? { do: 'manual', reason: 'PERIOD_MISSING' } : decision;
}
