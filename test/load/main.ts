/** `npm run bench -- <name>`: benchmarks; each prints one JSON line per result. */
import { compileCache } from '../compile-cache.ts';
import { detectBench } from './detect/bench.ts';
import { endToEnd } from './end-to-end.ts';
import { ingestBench } from './ingest/bench.ts';
import { report } from './report.ts';
import { streamBench } from './stream/bench.ts';
import { wialonBench } from './wialon/bench.ts';

type Print = (line: object) => void;

const benches: Readonly<Record<string, (args: readonly string[], print: Print) => Promise<void>>> =
  {
    'end-to-end': async (args, print) => {
      print({ bench: 'end-to-end', ...(await endToEnd(args)) });
    },
    detect: detectBench,
    stream: streamBench,
    report: async (files) => {
      console.log(report(files));
    },
    ingest: ingestBench,
    wialon: wialonBench,
  };

const [name = '', ...args] = process.argv.slice(2);
const bench = benches[name];
if (bench === undefined) {
  console.error(`usage: npm run bench -- <${Object.keys(benches).join(' | ')}> [options]`);
  process.exitCode = 2;
} else {
  process.env['NODE_COMPILE_CACHE'] ??= compileCache;
  await bench(args, (line) => console.log(JSON.stringify(line)));
}
