import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { denialReasons } from './denial.ts';

test('every reason stands in AUTHENTICATION.md', () => {
  const text = readFileSync(new URL('../../AUTHENTICATION.md', import.meta.url), 'utf8');
  const missing = Object.keys(denialReasons).filter((reason) => !text.includes(`\`${reason}\``));
  assert.deepEqual(missing, []);
});
