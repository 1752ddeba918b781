import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { configReader } from './config.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test('the database is the one thing that must be set', () => {
  assert.throws(() => configReader.readConfig({}), /^.*INGEST_DATABASE_URL is not set/);
  const config = configReader.readConfig({ INGEST_DATABASE_URL: 'secret://files/ingest#url' });
  assert.equal(config.INGEST_HTTP_PORT, 0);
  assert.equal(configReader.redact(config)['INGEST_DATABASE_URL'], 'configured');
});

test('no configuration lets a send outlive the lease of its claim', () => {
  const longest = { INGEST_DATABASE_URL: 'postgres://x', INGEST_SEND_TIMEOUT_MS: '15000' };
  const config = configReader.readConfig({ ...longest, INGEST_LEASE_S: '20' });
  assert.ok(config.INGEST_SEND_TIMEOUT_MS < config.INGEST_LEASE_S * 1000);
  assert.throws(() => configReader.readConfig({ ...longest, INGEST_LEASE_S: '19' }));
  assert.throws(() => configReader.readConfig({ ...longest, INGEST_SEND_TIMEOUT_MS: '15001' }));
});

test('the README has every variable with its default', () => {
  // The formatter pads the cells.
  const cells = readme.replaceAll(/ +/g, ' ');
  for (const row of configReader.describe()) {
    if (!row.name.startsWith('INGEST_')) continue;
    assert.ok(cells.includes(`| \`${row.name}\` | ${row.default} |`), row.name);
  }
});
