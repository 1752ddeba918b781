import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { testDatabase } from '@waybill/testkit';
import { recordsOf, startHarness } from './testing/harness.ts';

const run = promisify(execFile);

test('the curl of EVENTS.md is accepted', async () => {
  const text = readFileSync(new URL('../EVENTS.md', import.meta.url), 'utf8');
  const script = /```sh\n(secret=[\s\S]*?)```/.exec(text)?.[1];
  assert.ok(script);
  const database = await testDatabase();
  const ingest = await startHarness({ databaseUrl: database.url });
  const dir = await mkdtemp(join(tmpdir(), 'readme-'));
  try {
    await writeFile(join(dir, 'bay-cabs.json'), '{"webhook_k1":"geheim-1"}');
    const { stdout } = await run('sh', ['-c', script], {
      env: {
        PATH: process.env['PATH'],
        WEBHOOK_URL: ingest.url,
        WEBHOOK_SECRET_FILE: `${join(dir, 'bay-cabs.json')}#webhook_k1`,
      },
    });
    assert.match(stdout, /^HTTP\/1\.1 200 OK[\s\S]*\{"accepted":"evt_120"\}$/);
    assert.equal(recordsOf(ingest.log).length, 1);
  } finally {
    await ingest.service.stop();
    await database.stop();
    await rm(dir, { recursive: true });
  }
});
