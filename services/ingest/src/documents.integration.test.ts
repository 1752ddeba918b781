import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { openApiDocument, webhookCatalogueCsv, webhookEvents } from '@waybill/contracts';
import { testDatabase, type TestDatabase } from '@waybill/testkit';
import { docsPage } from './adapters/docs-page.ts';
import { refusalAnswer, type RefusalCode } from './core/answer.ts';
import { codes } from './errors.ts';
import { startHarness, type Harness } from './testing/harness.ts';

let database: TestDatabase;
let ingest: Harness;

before(async () => {
  database = await testDatabase();
  ingest = await startHarness({
    databaseUrl: database.url,
    config: { INGEST_EVENT_ORIGINS: ['emitter.example.com'] },
  });
});
after(async () => {
  await ingest.service.stop();
  await database.stop();
});

function get(path: string): Promise<Response> {
  return fetch(new URL(path, ingest.url));
}

test('the description is served as it is committed', async () => {
  const response = await get('/openapi.json');
  assert.equal(response.headers.get('content-type'), 'application/json');
  const file = new URL('../../../packages/contracts/exports/openapi.json', import.meta.url);
  assert.deepEqual(await response.json(), JSON.parse(readFileSync(file, 'utf8')));
});

test('a sender that asks before it pushes is told the same whatever source it names', async () => {
  const ask = (path: string, origin: string): Promise<Response> =>
    fetch(new URL(path, ingest.url), {
      method: 'OPTIONS',
      headers: { 'webhook-request-origin': origin, 'webhook-request-rate': '60' },
    });
  for (const path of ['', '/bay-cabs/dispatch', '/no/body']) {
    const granted = await ask(`/webhooks/telematics${path}`, 'emitter.example.com');
    assert.equal(granted.status, 200);
    assert.equal(granted.headers.get('webhook-allowed-origin'), 'emitter.example.com');
    assert.equal(granted.headers.get('webhook-allowed-rate'), '60');
    assert.equal((await ask(`/webhooks/telematics${path}`, 'evil.example')).status, 404);
  }
});

test('the catalogue is served as CSV', async () => {
  const response = await get('/webhook-catalogue.csv');
  assert.equal(response.headers.get('content-type'), 'text/csv; charset=utf-8');
  assert.equal(await response.text(), webhookCatalogueCsv());
});

test('the page names every event, field and status, and needs nothing from elsewhere', async () => {
  const response = await get('/docs');
  assert.match(response.headers.get('content-security-policy') ?? '', /^default-src 'none'/);
  const page = await response.text();
  for (const { event, schema } of webhookEvents) {
    for (const name of [event, ...schema.fields.map((field) => field.name)]) {
      assert.ok(page.includes(`<code>${name}</code>`), name);
    }
  }
  for (const status of statuses()) assert.ok(page.includes(`<code>${status}</code>`), status);
  assert.doesNotMatch(page, /<script|src=|https?:/);
  assert.equal(page, docsPage());
  assert.ok(page.includes('Of the form &#60;source&#62;:&#60;id&#62;'), 'texts are escaped');
});

function statuses(): string[] {
  const { paths } = openApiDocument() as {
    paths: Record<string, { post?: { responses: Record<string, unknown> } }>;
  };
  return Object.keys(paths['/webhooks/telematics']?.post?.responses ?? {});
}

test('every refusal has a status that the description declares', () => {
  const declared = new Set(statuses());
  for (const code of Object.keys(codes)) {
    // The keys of `codes` are the refusal codes.
    const { status } = refusalAnswer({ kind: 'refused', code: code as RefusalCode });
    assert.ok(declared.has(String(status)), `${code}: ${status}`);
  }
});
