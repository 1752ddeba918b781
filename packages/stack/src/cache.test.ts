import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { cached, type CacheEntry } from './cache.ts';

let home: string;
let lines: string[];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'waybill-cache-'));
  lines = [];
});
afterEach(() => rm(home, { recursive: true, force: true }));

function entry(fill: CacheEntry['fill'], at = home): CacheEntry {
  return { home: at, name: 'thing-1', title: 'Thing 1', log: (line) => lines.push(line), fill };
}

test('two starts at once fetch once and both get the whole entry', async () => {
  let fills = 0;
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  const fill = async (folder: string): Promise<void> => {
    fills += 1;
    await gate;
    await writeFile(join(folder, 'file'), 'whole');
  };
  const both = [cached(entry(fill)), cached(entry(fill))];
  while (!lines.some((line) => line.startsWith('waiting'))) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  release();
  const [first, second] = await Promise.all(both);
  assert.equal(first, second);
  assert.equal(fills, 1);
  assert.equal(await readFile(join(home, 'thing-1', 'file'), 'utf8'), 'whole');
  assert.deepEqual(await readdir(home), ['thing-1']);
});

test('a fetch that fails leaves nothing behind, and the next one starts afresh', async () => {
  const failing = async (folder: string): Promise<void> => {
    await writeFile(join(folder, 'half'), '');
    throw new Error('cut off');
  };
  await assert.rejects(cached(entry(failing)), /cut off/);
  assert.deepEqual(await readdir(home), []);
  await cached(entry(async () => undefined));
  assert.deepEqual(await readdir(join(home, 'thing-1')), []);
});

test('the lock of a start that crashed is taken over', async () => {
  const lock = join(home, 'thing-1.lock');
  await writeFile(lock, '');
  const past = new Date(Date.now() - 60_000);
  await utimes(lock, past, past);
  await cached(entry(async () => undefined));
  assert.deepEqual(await readdir(home), ['thing-1']);
});

test('what is there is used without a write', async () => {
  await cached(entry(async () => undefined));
  lines.length = 0;
  const never = async (): Promise<void> => assert.fail('fetched again');
  assert.equal(await cached(entry(never)), join(home, 'thing-1'));
  assert.deepEqual(lines, []);
});

test('a cache folder that cannot be written is named in one line with what to do', async () => {
  const file = join(home, 'occupied');
  await writeFile(file, '');
  await assert.rejects(cached(entry(async () => undefined, join(file, 'cache'))), {
    kind: 'misconfigured',
    code: 'STACK_CACHE_UNWRITABLE',
    message: `cannot write the cache folder ${join(file, 'cache')} (ENOTDIR): set WAYBILL_HOME to a writable one, or use \`docker compose up\` instead`,
  });
});
