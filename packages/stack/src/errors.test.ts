import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { STACK_CODES } from './errors.ts';

test('the README lists exactly the codes that exist, with their kinds', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const listed = [...readme.matchAll(/^\| `(STACK_\w+)`\s*\| (\w+)/gm)].map(([, code, kind]) => [
    code,
    kind,
  ]);
  const declared = Object.entries(STACK_CODES).map(([code, { kind }]) => [code, kind]);
  assert.deepEqual(listed, declared);
});
