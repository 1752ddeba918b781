import { readdirSync } from 'node:fs';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

import { compileCache } from './compile-cache.ts';

const root = new URL('../', import.meta.url);

/** All test files of the repository below `folders` whose name passes `wanted`, sorted. */
export function testFiles(folders: readonly string[], wanted: (file: string) => boolean): string[] {
  return folders
    .flatMap((folder) =>
      readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' }).map(
        (file) => `${folder}/${file}`,
      ),
    )
    .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
    .filter(wanted)
    .toSorted();
}

/** Runs each file in a process of its own, begun in this order; resolves with the exit code. */
export async function runFiles(files: readonly string[], concurrency: number): Promise<number> {
  process.env['NODE_COMPILE_CACHE'] ??= compileCache;
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ending.abort());
  let failed = false;
  const tests = run({ files: [...files], concurrency, signal: ending.signal });
  tests.on('test:fail', () => (failed = true));
  for await (const text of tests.compose(new spec())) process.stdout.write(text as string);
  return failed || ending.signal.aborted ? 1 : 0;
}
