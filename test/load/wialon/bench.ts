import { parseArgs } from 'node:util';
import { backfillCase } from './case-backfill.ts';
import { liveCase } from './case-live.ts';
import { twinCase } from './case-twin.ts';

const USAGE = `npm run bench -- wialon [case …] [options]

  twin       what the twin alone serves
  live       10,000 units kept up with, then every session lost and a gap of 5 min closed
  backfill   history re-read beside live data
  --seconds  of each measurement (default 10)
`;

interface Options {
  readonly seconds: number;
  readonly print: (line: object) => void;
}

const cases: Readonly<Record<string, (options: Options) => Promise<void>>> = {
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
    options: { seconds: { type: 'string', default: '10' }, help: { type: 'boolean' } },
    allowPositionals: true,
  });
  const names = positionals.length === 0 ? Object.keys(cases) : positionals;
  const seconds = Number(values.seconds);
  if (values.help === true || !(seconds > 0) || names.some((name) => cases[name] === undefined)) {
    console.error(USAGE);
    return;
  }
  for (const name of names) await cases[name]?.({ seconds, print });
}
