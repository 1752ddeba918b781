import type { MappedEntity, MappingInterval } from '@waybill/contracts';
import { parseInstant } from '@waybill/domain';
import { choose } from './model-problems.ts';
import type { CsvRow } from './read-csv.ts';
import type { TenantProblem } from './problem.ts';

/** One id of both systems with its validity, as `idmap.csv` gives it for the first load. */
export interface IdMapEntry {
  readonly entity: MappedEntity;
  readonly telematics_id: string;
  /** Ascending, without overlap; instants in ms since epoch, null = unbounded. */
  readonly intervals: readonly MappingInterval[];
}

export const mappedEntities: readonly MappedEntity[] = ['vehicle', 'driver', 'customer', 'site'];

export const idMapColumns: readonly string[] = [
  'entity',
  'telematics_id',
  'erp_id',
  'valid_from',
  'valid_to',
];

/** Two intervals of the list that share an instant, or undefined. Ends are exclusive. */
export function overlapOf(
  intervals: readonly MappingInterval[],
): readonly [MappingInterval, MappingInterval] | undefined {
  const sorted = sortIntervals(intervals);
  for (const [index, interval] of sorted.entries()) {
    const next = sorted[index + 1];
    if (!next) break;
    const end = interval.valid_to_time ?? Infinity;
    if (end > (next.valid_from_time ?? -Infinity)) return [interval, next];
  }
  return undefined;
}

/** By start; the unbounded start comes first. */
export function sortIntervals(intervals: readonly MappingInterval[]): MappingInterval[] {
  const start = (i: MappingInterval): number => i.valid_from_time ?? -Infinity;
  // -Infinity minus itself is NaN, so compare instead of subtracting.
  return [...intervals].sort((a, b) => (start(a) < start(b) ? -1 : start(a) > start(b) ? 1 : 0));
}

interface Line {
  readonly entity: MappedEntity;
  readonly telematicsId: string;
  readonly interval: MappingInterval;
  readonly line: number;
}

function readLine({ cells, line }: CsvRow, problems: TenantProblem[]): Line | undefined {
  const before = problems.length;
  const add = (path: string, what: string, fix: string): void => {
    problems.push({ file: 'idmap.csv', line, path, what, fix });
  };
  const entity = mappedEntities.find((known) => known === cells['entity']);
  if (!entity) {
    const word = cells['entity'] ?? '';
    add('entity', `unknown entity "${word}"`, choose(word, mappedEntities));
  }
  for (const column of ['telematics_id', 'erp_id']) {
    if (!cells[column]) add(column, 'expected an id, found nothing', `fill in ${column}`);
  }
  const instant = (column: string): number | null => {
    const text = cells[column] ?? '';
    if (text === '') return null;
    const ms = parseInstant(text);
    if (ms !== undefined) return ms;
    const what = `expected an instant such as 2026-01-31T00:00:00Z, found "${text}"`;
    add(column, what, 'state date, time and offset, or leave it empty');
    return null;
  };
  const [from, to] = [instant('valid_from'), instant('valid_to')];
  if (from !== null && to !== null && from >= to) {
    add('valid_to', 'the interval ends before it starts', 'correct valid_from or valid_to');
  }
  if (!entity || problems.length > before) return undefined;
  return {
    entity,
    telematicsId: cells['telematics_id'] ?? '',
    interval: { erp_id: cells['erp_id'] ?? '', valid_from_time: from, valid_to_time: to },
    line,
  };
}

/** The entries of `idmap.csv`; what is wrong is added to `problems`. */
export function readIdMap(rows: readonly CsvRow[], problems: TenantProblem[]): IdMapEntry[] {
  const groups = new Map<string, Line[]>();
  for (const row of rows) {
    const line = readLine(row, problems);
    if (!line) continue;
    const key = `${line.entity}/${line.telematicsId}`;
    groups.set(key, [...(groups.get(key) ?? []), line]);
  }
  const entries: IdMapEntry[] = [];
  for (const [key, lines] of groups) {
    const intervals = sortIntervals(lines.map(({ interval }) => interval));
    const overlap = overlapOf(intervals);
    if (overlap) {
      const line = lines.find(({ interval }) => interval === overlap[1])?.line;
      problems.push({
        file: 'idmap.csv',
        line,
        path: key,
        what: `${overlap[0].erp_id} and ${overlap[1].erp_id} hold the id at the same time`,
        fix: 'end one interval where the next starts (valid_to is exclusive)',
      });
    }
    const [first] = lines;
    if (first) entries.push({ entity: first.entity, telematics_id: first.telematicsId, intervals });
  }
  return entries;
}
