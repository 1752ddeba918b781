import { parseArgs } from 'node:util';
import { backfillCase } from './case-backfill.ts';
import { liveCase } from './case-live.ts';
import { twinCase } from './case-twin.ts';
import type { CaseOptions } from './options.ts';

const USAGE = `npm run bench -- wialon [case …] [options]

  twin       what the twin alone serves
  live       10,000 units kept up with, then every session lost and a gap of 5 min closed
  backfill   history re-read beside live data
  --seconds  of each measurement (default 10)
  --units    of the case live (default 10000)
  --repeat   measurements of which the median is shown (default 1)
`;

const cases: Readonly<Record<string, (options: CaseOptions) => Promise<void>>> = {
  twin: twinCase,
  live: liveCase,
  backfill: backfillCase,
};

/** `npm run bench -- wialon [case …]`: all cases unless some are named. */
export async function wialonBench(
  args: readonly string[],
  print: (line: object) => void,
): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '10' },
      repeat: { type: 'string', default: '1' },
      units: { type: 'string', default: '10000' },
      help: { type: 'boolean' },
    },
    allowPositionals: true,
  });
  const names = positionals.length === 0 ? Object.keys(cases) : positionals;
  const [seconds, repeat] = [Number(values.seconds), Number(values.repeat)];
  const units = Number(values.units);
  const isRight =
    seconds > 0 && repeat >= 1 && units >= 1 && names.every((name) => cases[name] !== undefined);
  if (values.help === true || !isRight) {
    console.error(USAGE);
    return;
  }
  for (const name of names) await cases[name]?.({ seconds, repeat, units, print });
}
