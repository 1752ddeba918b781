import { parse } from 'csv-parse/sync';
import { choose } from './model-problems.ts';
import type { TenantProblem } from './problem.ts';

/** A row by column name, with the line of the file it ends on. */
export interface CsvRow {
  readonly cells: Readonly<Record<string, string>>;
  readonly line: number;
}

interface Parsed {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

function parsed(text: string, file: string, problems: TenantProblem[]): readonly Parsed[] {
  try {
    return parse(text, {
      bom: true,
      comment: '#',
      comment_no_infix: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as readonly Parsed[];
  } catch (error) {
    // The parser's own text may quote the line; ids and references stay out of messages.
    const line = (error as { lines?: unknown }).lines;
    problems.push({
      file,
      line: typeof line === 'number' ? line : undefined,
      path: '',
      what: 'the quotes of this line do not match',
      fix: 'double a quote inside a quoted cell',
    });
    return [];
  }
}

function headerProblems(
  header: readonly string[],
  columns: readonly string[],
  optional: readonly string[],
): { what: string; fix: string }[] {
  const known = [...columns, ...optional];
  const unknown = header.filter((name) => !known.includes(name));
  const problems = unknown.map((name) => ({
    what: `unknown column "${name}"`,
    fix: choose(name, known),
  }));
  const meant = new Set(problems.map(({ fix }) => fix));
  for (const name of columns) {
    if (header.includes(name) || meant.has(`did you mean ${name}?`)) continue;
    problems.push({ what: `column ${name} is missing`, fix: `add ${name} to the first line` });
  }
  return problems;
}

/** Rows of a CSV file with a header line; what is wrong is added to `problems`. Lines from `#` on are comments. */
export function readCsv(
  text: string,
  file: string,
  columns: { readonly required: readonly string[]; readonly optional?: readonly string[] },
  problems: TenantProblem[],
): CsvRow[] {
  const before = problems.length;
  const [first, ...rest] = parsed(text, file, problems);
  if (problems.length > before) return [];
  const header = first?.record ?? [];
  for (const problem of headerProblems(header, columns.required, columns.optional ?? [])) {
    problems.push({ file, line: first?.info.lines ?? 1, path: '', ...problem });
  }
  if (problems.length > before) return [];
  return rest.flatMap(({ record, info }) => {
    const cells: Record<string, string> = {};
    for (const [index, name] of header.entries()) cells[name] = record[index] ?? '';
    if (record.length === header.length) return [{ cells, line: info.lines }];
    problems.push({
      file,
      line: info.lines,
      path: '',
      what: `expected ${header.length} cells, found ${record.length}`,
      fix: 'add or remove commas',
    });
    return [];
  });
}
