import { round } from '../measure.ts';

/** Figures of one run of a case. */
export type Figures = Readonly<Record<string, number>>;

/** What a figure has to reach. */
export type Bar =
  | { readonly figure: string; readonly atMost: number }
  | { readonly figure: string; readonly atLeast: number };

/** A case: its name, the figure by which runs are sorted, and its bars. */
export interface Case {
  readonly name: string;
  readonly by: string;
  readonly bars: readonly Bar[];
}

const isMet = (bar: Bar, found: number): boolean =>
  'atMost' in bar ? found <= bar.atMost : found >= bar.atLeast;

const textOf = (bar: Bar): string =>
  'atMost' in bar ? `${bar.figure} <= ${bar.atMost}` : `${bar.figure} >= ${bar.atLeast}`;

/**
 * The line of a case: its median run, how far the runs are apart, and the bars that this run misses. A figure
 * that is not there misses its bar.
 */
export function lineOf({ name, by, bars }: Case, runs: readonly Figures[]): object {
  const sorted = runs.toSorted((a, b) => (a[by] ?? 0) - (b[by] ?? 0));
  const middle = sorted[Math.floor((sorted.length - 1) / 2)] ?? {};
  const spread =
    runs.length < 2
      ? {}
      : { runs: runs.length, [`min_${by}`]: sorted[0]?.[by], [`max_${by}`]: sorted.at(-1)?.[by] };
  return {
    bench: 'wialon',
    case: name,
    ...Object.fromEntries(Object.entries(middle).map(([key, value]) => [key, round(value, 2)])),
    ...spread,
    bars: bars.map(textOf),
    missed: bars.filter((bar) => !isMet(bar, middle[bar.figure] ?? Number.NaN)).map(textOf),
  };
}
