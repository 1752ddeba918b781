import { Fault } from '@waybill/fault';
import type { Explanation, Question } from './explain.ts';
import type { History } from './history.ts';

/** Most names that a message lists. */
const LISTED = 5;

function refused(code: string, message: string): Fault {
  return new Fault(message, { kind: 'malformed', code, stage: 'decode' });
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** Throws `RANGE_EMPTY` for a range that does not end after it begins; instants in ms. */
export function checkRange({ from, to }: Pick<Question, 'from' | 'to'>): void {
  if (from < to) return;
  const message = `expected a range that ends after it begins, found ${iso(from)} to ${iso(to)}`;
  throw refused('RANGE_EMPTY', message);
}

/** Throws `HISTORY_EMPTY` for a tenant of whom no position is there. */
export function checkPositions({ positions }: History, tenantId: string): void {
  if (positions.size > 0) return;
  throw refused(
    'HISTORY_EMPTY',
    `no position of ${tenantId} is in the history; has the log been read to its end, or is the file that of another tenant?`,
  );
}

/** Throws `UNIT_UNKNOWN` for a unit of which nothing was recorded; names some that are there. */
export function checkUnit(history: History, { tenantId, unit }: Question): void {
  const { positions, published } = history;
  if (positions.has(unit) || published.has(unit)) return;
  checkPositions(history, tenantId);
  const units = [...positions.keys()].sort();
  const some = units.slice(0, LISTED).join(', ');
  const more = units.length > LISTED ? ` and ${units.length - LISTED} more` : '';
  throw refused(
    'UNIT_UNKNOWN',
    `nothing of ${unit} was recorded; ${tenantId} has positions of ${some}${more}`,
  );
}

/** Throws `RANGE_EMPTY` where an explanation has nothing to explain; says when there would be something. */
export function checkExplained(history: History, explanation: Explanation): void {
  const { fixes, runs, versions, unit, from, to } = explanation;
  if (fixes.length + runs.length + versions.length > 0) return;
  const records = history.positions.get(unit) ?? [];
  const times = records.map(({ event_time: time }) => time);
  const span = times.reduce(
    ([first, last], time) => [Math.min(first, time), Math.max(last, time)] as const,
    [Infinity, -Infinity] as const,
  );
  const where =
    times.length === 0 ? '' : `; there are ${times.length} from ${span.map(iso).join(' to ')}`;
  throw refused('RANGE_EMPTY', `no position of ${unit} from ${from} to ${to} was recorded${where}`);
}
