/** `npm run bench -- <name>`: benchmarks; each prints one JSON line. */
import { endToEnd } from './end-to-end.ts';

const benches: Readonly<Record<string, (args: readonly string[]) => Promise<object>>> = {
  'end-to-end': endToEnd,
};

const [name = '', ...args] = process.argv.slice(2);
const bench = benches[name];
if (bench === undefined) {
  console.error(`usage: npm run bench -- <${Object.keys(benches).join(' | ')}> [options]`);
  process.exitCode = 2;
} else {
  console.log(JSON.stringify({ bench: name, ...(await bench(args)) }));
}
