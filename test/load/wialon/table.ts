/** A line with bars, as `lineOf` makes it. */
export interface JudgedLine {
  readonly case?: string;
  readonly bars?: readonly string[];
  readonly missed?: readonly string[];
}

const SHOWN = new Set(['bench', 'case', 'bars', 'missed']);

/** Fractions only where they say something. */
const figure = (value: number): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: value >= 100 ? 0 : 2 });

/** A Markdown table: a row per case with its figures, its bars and those it missed. */
export function judgedTable(lines: readonly JudgedLine[]): string {
  const rows = lines.map((line) => {
    const figures = Object.entries(line)
      .filter(([name]) => !SHOWN.has(name))
      .map(([name, value]) => `${name} ${figure(Number(value))}`);
    const missed = line.missed ?? [];
    const cells = [`\`${line.case}\``, figures.join(', '), (line.bars ?? []).join(', ')];
    return `| ${[...cells, missed.length === 0 ? '–' : missed.join(', ')].join(' | ')} |`;
  });
  return ['| case | figures | bars | missed |', '|---|---|---|---|', ...rows].join('\n');
}
