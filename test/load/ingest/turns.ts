import { round } from '../measure.ts';

/** One measurement; whatever else it says is printed with it. */
interface Figures extends Readonly<Record<string, unknown>> {
  readonly requests_per_s: number;
}

export interface Turns {
  readonly rounds: number;
  readonly door: () => Promise<Figures>;
  readonly peer: () => Promise<Figures>;
}

/** What came of both. */
export interface Comparison {
  /** The measurement of median speed. */
  readonly door: Figures;
  readonly peer: Figures;
  /** Door to peer: mean of the rounds' ratios. */
  readonly ratio: number;
  /** Of the mean. */
  readonly standard_error: number;
}

/**
 * Both in turn, another one first each time. The machine's speed changes by a third within minutes and that of the
 * same code from run to run by a quarter, so one long measurement of each tells little of their ratio.
 */
export async function compareInTurn({ rounds, door, peer }: Turns): Promise<Comparison> {
  const doors: Figures[] = [];
  const peers: Figures[] = [];
  for (let index = 0; index < rounds; index += 1) {
    const both = [async () => doors.push(await door()), async () => peers.push(await peer())];
    for (const measure of index % 2 === 0 ? both : both.toReversed()) {
      // One measurement at a time.
      // oxlint-disable-next-line eslint/no-await-in-loop
      await measure();
    }
  }
  const ratios = doors.map((figures, index) => figures.requests_per_s / speedOf(peers[index]));
  const mean = sum(ratios) / rounds;
  const variance = sum(ratios.map((ratio) => (ratio - mean) ** 2)) / (rounds - 1);
  return {
    door: median(doors),
    peer: median(peers),
    ratio: round(mean, 3),
    standard_error: round(Math.sqrt(variance / rounds), 3),
  };
}

function speedOf(figures: Figures | undefined): number {
  return figures?.requests_per_s ?? Number.NaN;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function median(all: readonly Figures[]): Figures {
  const sorted = all.toSorted((a, b) => a.requests_per_s - b.requests_per_s);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new RangeError('expected at least one round, found none');
  return middle;
}
