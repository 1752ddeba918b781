/**
 * Preloaded into a test's process: takes one defence out of the stream core, so that a test can be seen
 * to fail without it. MUTANT names the file, the text that stands there once, and what replaces it.
 */
import { registerHooks } from 'node:module';
import type { Mutation } from './mutants.ts';

/** Exit code when the text is not there any more: the table of mutants needs a new one. */
const STALE = 99;

const mutations = JSON.parse(process.env['MUTANT'] ?? '[]') as readonly Mutation[];
const FOLDER = '/packages/stream/src/';

function mutated(source: string, { file, from, to }: Mutation): string {
  const parts = source.split(from);
  if (parts.length === 2) return parts.join(to);
  process.stderr.write(`${file} holds ${parts.length - 1} times: ${from}\n`);
  process.exit(STALE);
}

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const mine = mutations.filter(({ file }) => url.endsWith(`${FOLDER}${file}`));
    if (mine.length === 0 || !loaded.source) return loaded;
    const source = Buffer.from(loaded.source as Uint8Array).toString();
    return { ...loaded, source: mine.reduce(mutated, source) };
  },
});
