import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { topics, webhookEvents, type ElementRejected } from '@waybill/contracts';
import { configured, testDatabase, type TestDatabase } from '@waybill/testkit';
import {
  brokersGone,
  eventBody,
  post,
  recordsOf,
  startHarness,
  tenant,
  type Harness,
} from './testing/harness.ts';

let database: TestDatabase;
let ingest: Harness;

before(async () => {
  database = await testDatabase();
});
after(async () => {
  await database.stop();
});
beforeEach(async () => {
  ingest = await startHarness({ databaseUrl: database.url });
});
afterEach(async () => {
  await ingest.service.stop();
});

function letters(): ElementRejected[] {
  return ingest.log.quarantined.map(({ message }) => message?.value as ElementRejected);
}

function useFormat(format: 'waybill' | 'vendor'): void {
  const model = tenant('bay-cabs', { k1: 'secret://files/test#k1' });
  const sources = model.sources.map((source) =>
    source.kind === 'webhook' ? { ...source, format } : source,
  );
  ingest.configure('bay-cabs', configured({ ...model, sources }));
}

for (const { event, example } of webhookEvents) {
  test(`the example of ${event} is accepted and stands in the log verbatim`, async () => {
    const body = JSON.stringify(example, null, 2);
    const response = await post(ingest, { body });
    assert.equal(response.status, 200);
    const { id } = example as { readonly id: string };
    assert.deepEqual(await response.json(), { accepted: id });
    assert.equal(recordsOf(ingest.log)[0]?.body.toString(), body);
  });
}

test('a batch of 1,000 is one record and is answered with their number', async () => {
  const events = Array.from({ length: 1000 }, (_, i) => eventBody(`evt_${i}`));
  const body = `[${events.join(',')}]`;
  const response = await post(ingest, { body, key: 'key-batch' });
  assert.equal(await response.text(), '{"accepted":1000}');
  const again = await post(ingest, { body, key: 'key-batch' });
  assert.equal(again.headers.get('idempotent-replayed'), 'true');
  assert.equal(await again.text(), '{"accepted":1000}');
  assert.deepEqual(
    recordsOf(ingest.log).map((record) => record.body.toString()),
    [body],
  );
});

test('one bad event refuses its batch; nothing of it enters, the bytes are in quarantine', async () => {
  const bad = eventBody('b', { status: 'lost', ts: 'today' });
  const body = `[${eventBody('a')},${bad}]`;
  const response = await post(ingest, { body, headers: { authorization: 'Bearer geheim' } });
  assert.equal(response.status, 422);
  const problem = (await response.json()) as { violations: readonly { path: string }[] };
  const paths = ['1.data.status', '1.data.ts'];
  assert.deepEqual(
    problem.violations.map(({ path }) => path),
    paths,
  );
  assert.equal(ingest.log.sent.length, 0);
  const [letter] = letters();
  assert.ok(letter);
  assert.deepEqual(topics.ingestDeadLetter.contracts.ElementRejected.violations(letter), []);
  assert.equal(letter.original?.toString(), body);
  assert.deepEqual([letter.tenant_id, letter.code], ['bay-cabs', 'EVENT_INVALID']);
  assert.deepEqual(
    letter.violations.map(({ path }) => path),
    paths,
  );
  assert.equal(ingest.log.quarantined[0]?.key, 'bay-cabs/dispatch');
  assert.doesNotMatch(JSON.stringify({ ...letter, original: null }), /geheim|sha256=/);
});

for (const [what, body, path] of [
  ['no JSON', '{"event":', ''],
  ['a repeated name', `{"event":"x",${eventBody('a').slice(1)}`, 'event'],
  [
    'a number beyond 2^53',
    eventBody('n', { odometer: 0 }).replace('r":0', 'r":9007199254740993'),
    'data.odometer',
  ],
  ['33 levels', `${'['.repeat(33)}${']'.repeat(33)}`, ''],
  ['a byte order mark', `\ufeff${eventBody('bom')}`, ''],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), ''],
] as const) {
  test(`${what} is 400 with its place and kept in quarantine`, async () => {
    const response = await post(ingest, { body });
    assert.equal(response.status, 400);
    assert.equal(response.headers.get('content-type'), 'application/problem+json');
    const problem = (await response.json()) as {
      code: string;
      violations: readonly { path: string }[];
    };
    assert.equal(problem.code, 'BODY_MALFORMED');
    assert.equal(problem.violations[0]?.path, path);
    assert.deepEqual(letters()[0]?.original, Buffer.from(body));
  });
}

test('who is not authenticated leaves nothing in quarantine', async () => {
  ingest.secrets.set('k2', 'geheim-2');
  const response = await post(ingest, { body: 'no json', secret: 'wrong' });
  assert.equal(response.status, 401);
  assert.equal(letters().length, 0);
});

test('a source that loops is answered, counted and no longer kept', async () => {
  ingest.clock = 1_790_000_000_000;
  for (let i = 0; i < 61; i += 1) {
    assert.equal((await post(ingest, { body: `[${i}` })).status, 400);
  }
  assert.equal(letters().length, 60);
  const metrics = await ingest.metricsText();
  assert.match(metrics, /webhook_quarantined_total\{outcome="kept"[^}]*\} 60/);
  assert.match(metrics, /webhook_quarantined_total\{outcome="over_budget"[^}]*\} 1/);
});

test('without the brokers a rejected body is 503: the sender keeps it until we can', async () => {
  ingest.log.behaviour = brokersGone;
  const response = await post(ingest, { body: 'no json' });
  assert.deepEqual([response.status, await response.text()], [503, '']);
});

test('of a vendor’s body only the shape is checked: its contract is the transformer’s business', async () => {
  useFormat('vendor');
  for (const [body, accepted] of [
    ['{"eventType":"Ping"}', 1],
    ['[{"ident":"1"},{"ident":"2"}]', 2],
    [eventBody('x', { status: 'lost' }), 1],
  ] as const) {
    const response = await post(ingest, { body });
    assert.deepEqual([response.status, await response.json()], [200, { accepted }]);
  }
  assert.equal((await post(ingest, { body: '7' })).status, 400);
  assert.equal((await post(ingest, { body: '{"a":1,"a":2}' })).status, 400);
  assert.equal(letters().length, 2);
  useFormat('waybill');
  assert.equal((await post(ingest, { body: '{"eventType":"Ping"}' })).status, 422);
});
