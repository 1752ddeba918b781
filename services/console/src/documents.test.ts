import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { configReader } from './config.ts';
import { codes } from './errors.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test('the contract card lists every error code and every variable', () => {
  for (const [code, { kind }] of Object.entries(codes)) {
    assert.match(readme, new RegExp(`\`${code}\`.*\\b${kind}\\b`), code);
  }
  for (const row of configReader.describe())
    assert.ok(readme.includes(`\`${row.name}\``), row.name);
});
