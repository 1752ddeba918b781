// Every scheme but tokens through the real door: HTTP, PostgreSQL, audit.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { dialectNames, dialects, sign, type DialectName } from '@waybill/signatures';
import { testDatabase, until, type TestDatabase } from '@waybill/testkit';
import { transformWebhook } from '@waybill/transforms';
import { madeUpFleets, startTwin } from '@waybill/wialon-twin';
import {
  eventBody,
  post,
  pushSource,
  recordsOf,
  refusalsOf,
  startHarness,
  type Harness,
} from './testing/harness.ts';

/** Fits every dialect: base64 of 24 bytes, and a text. */
const SECRET = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const PATH_SECRET = '0123456789abcdef0123456789abcdef';

let database: TestDatabase;
let ingest: Harness;

before(async () => {
  database = await testDatabase();
});
after(() => database.stop());
beforeEach(async () => {
  ingest = await startHarness({ databaseUrl: database.url });
  ingest.secrets.set('k2', 'geheim-2').set('vendor', SECRET).set('path', PATH_SECRET);
});
afterEach(() => ingest.service.stop());

const now = (): number => Math.floor(Date.now() / 1000);

interface Sent {
  readonly status: number;
  readonly id: string;
  readonly body: string;
}

async function send(
  path: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<Sent> {
  const response = await post(ingest, {
    body,
    path,
    headers,
    signature: null,
    key: null,
    source: null,
  });
  const id = response.headers.get('request-id') ?? '';
  return { status: response.status, id, body: await response.text() };
}

/** What the audit says about a request that got a bare 401. */
async function auditOf({ status, id, body }: Sent): Promise<Record<string, unknown>> {
  assert.deepEqual({ status, body }, { status: 401, body: '' });
  return until('the audit to be written', async () => (await refusalsOf(ingest, id))[0]);
}

function signed(name: DialectName, body: string, id: string, t = now()): Record<string, string> {
  const dialect = dialects[name];
  const key = dialect.key(SECRET);
  assert.ok(key);
  return sign(dialect, { t: String(t), id }, [key], Buffer.from(body));
}

for (const name of dialectNames.filter((dialect) => dialect !== 'waybill-hmac')) {
  test(`a sender that signs as ${name} needs no Idempotency-Key, and its repeats are known`, async () => {
    const secrets = { v1: 'secret://files/test#vendor' };
    ingest.addSources(pushSource('vendor', { scheme: name, secrets }));
    const body = eventBody(`vendor-${name}`);
    const id = `msg_${randomUUID()}`;
    const first = await send('/bay-cabs/vendor', body, signed(name, body, id));
    assert.equal(first.status, 200, first.body);
    // A vendor signs its repeats anew, at another time.
    const again = await send('/bay-cabs/vendor', body, signed(name, body, id, now() + 9));
    assert.deepEqual([again.status, again.body], [200, first.body]);
    const records = recordsOf(ingest.log);
    assert.equal(records.length, 1);
    assert.deepEqual([records[0]?.verdict, records[0]?.key_id], ['VERIFIED', 'v1']);
    assert.equal(records[0]?.idempotency_key, null, 'the sender gave no key');
    const kept = Object.keys(records[0]?.headers ?? {});
    assert.deepEqual(
      kept.filter((header) => dialects[name].headers.includes(header)),
      [],
      'a signature stands in the raw record',
    );

    const forged = await send('/bay-cabs/vendor', `${body} `, signed(name, body, id));
    const audit = await auditOf(forged);
    assert.equal(audit['reason'], 'signature_wrong');
    assert.equal(
      (await auditOf(await send('/bay-cabs/vendor', body)))['reason'],
      'signature_missing',
    );
  });
}

test('the id that a GitHub delivery does not sign cannot make a second event of the same body', async () => {
  ingest.addSources(
    pushSource('hub', { scheme: 'github', secrets: { v1: 'secret://files/test#vendor' } }),
  );
  const body = eventBody('delivery');
  const headers = signed('github', body, '');
  for (const delivery of ['a', 'b', 'c']) {
    const sent = await send('/bay-cabs/hub', body, { ...headers, 'x-github-delivery': delivery });
    assert.equal(sent.status, 200);
  }
  assert.equal(ingest.log.sent.length, 1);
});

test('a sender that cannot sign is known by its path and its address, and marked as unsigned', async () => {
  ingest.addSources(
    pushSource('tracker', {
      scheme: 'unsigned',
      secrets: { p1: 'secret://files/test#path' },
      allowlist: ['127.0.0.0/8', '::1'],
    }),
  );
  const body = eventBody('unsigned');
  assert.equal((await send(`/bay-cabs/tracker/${PATH_SECRET}`, body)).status, 200);
  assert.equal((await send(`/bay-cabs/tracker/${PATH_SECRET}`, body)).status, 200);
  const records = recordsOf(ingest.log);
  assert.equal(records.length, 1);
  assert.deepEqual([records[0]?.verdict, records[0]?.key_id], ['UNSIGNED', 'p1']);

  const wrong = await auditOf(
    await send(`/bay-cabs/tracker/${PATH_SECRET.replace('0', '1')}`, body),
  );
  assert.equal(wrong['reason'], 'path_secret_wrong');
  const missing = await auditOf(await send('/bay-cabs/tracker', body));
  assert.equal(missing['reason'], 'path_secret_missing');
  const everything = JSON.stringify([ingest.lines, wrong, records[0]?.headers]);
  assert.ok(
    !everything.includes(PATH_SECRET),
    'the secret of the path stands in a log or a record',
  );
});

test('every notification that Wialon pushes is kept, as the form that it is', async (t) => {
  ingest.addSources(
    pushSource('notices', {
      scheme: 'unsigned',
      secrets: { p1: 'secret://files/test#path' },
      allowlist: ['127.0.0.0/8', '::1'],
    }),
  );
  let nowMs = 0;
  const twin = await startTwin({
    scenario: madeUpFleets({
      accounts: ['fleet'],
      fleet: { units: 3, every_s: 60 },
      baseTime: '2025-01-06T00:00:00Z',
      durationS: 86_400,
      pushUrl: `${ingest.url}/bay-cabs/notices/${PATH_SECRET}`,
    }),
    seed: 7,
    speed: 1,
    nowMs: () => nowMs,
  });
  t.after(() => twin.close());
  nowMs = 6 * 3_600_000;
  const { pushed, push_failed: failed } = await twin.deliver();
  assert.ok(pushed > 10 && failed === 0, `${pushed} pushed, ${failed} failed`);
  const records = recordsOf(ingest.log);
  assert.equal(records.length, pushed);
  const rules = new Set<unknown>();
  for (const [index, record] of records.entries()) {
    assert.deepEqual([record.source_id, record.verdict], ['notices', 'UNSIGNED']);
    const results = transformWebhook(record, { topic: 'raw', partition: 0, offset: index });
    assert.deepEqual(results.rejections, []);
    assert.equal(results.events.length, 1);
    rules.add(new URLSearchParams(record.body.toString('utf8')).get('rule'));
  }
  assert.ok(rules.has('Zone entered') && rules.has('Zone left') && rules.has('Ignition on'));
});

test('a path secret under 128 bits opens nothing', async () => {
  ingest.secrets.set('path', 'a1b2c3d4');
  ingest.addSources(
    pushSource('weak', {
      scheme: 'unsigned',
      secrets: { p1: 'secret://files/test#path' },
      allowlist: ['127.0.0.1'],
    }),
  );
  assert.equal((await send('/bay-cabs/weak/a1b2c3d4', eventBody('weak'))).status, 503);
  assert.ok(ingest.lines.some(({ msg }) => msg === 'secret.unusable'));
});

test('a tenant file with a source that has no secret is refused, so nothing opens', async () => {
  ingest.addSources(pushSource('bare', { secrets: {} }));
  assert.ok(ingest.lines.some(({ msg }) => msg === 'tenant.refused'));
  const body = eventBody('bare');
  const sent = await send('/bay-cabs/bare', body, signed('waybill-hmac', body, ''));
  assert.equal((await auditOf(sent))['reason'], 'source_unknown');
});

test('a secret that is none of its dialect makes 503, and its value stays out of the log', async () => {
  ingest.secrets.set('vendor', 'geheim, no base64');
  ingest.addSources(
    pushSource('odd', { scheme: 'samsara', secrets: { v1: 'secret://files/test#vendor' } }),
  );
  const body = eventBody('odd');
  const headers = {
    'x-samsara-timestamp': `${now()}`,
    'x-samsara-signature': `v1=${'0'.repeat(64)}`,
  };
  assert.equal((await send('/bay-cabs/odd', body, headers)).status, 503);
  assert.ok(!JSON.stringify(ingest.lines).includes('geheim, no'));
});

test('an allowlist closes the door to everybody else, also to whom only says where he comes from', async () => {
  ingest.addSources(pushSource('fixed', { allowlist: ['203.0.113.0/24', '2001:db8::/32'] }));
  const body = eventBody('fixed');
  const headers = { 'x-forwarded-for': '203.0.113.9' };
  const response = await post(ingest, { body, source: 'bay-cabs/fixed', headers });
  const sent = { status: response.status, id: response.headers.get('request-id') ?? '', body: '' };
  const audit = await auditOf(sent);
  assert.deepEqual([audit['reason'], audit['detail']], ['address_not_allowed', '127.0.0.1']);
});

test('behind a trusted proxy the address counts that the proxy saw', async () => {
  const proxied = await startHarness({
    databaseUrl: database.url,
    config: { INGEST_TRUSTED_PROXIES: ['127.0.0.1'] },
  });
  try {
    proxied.addSources(pushSource('fixed', { allowlist: ['203.0.113.0/24', '2001:db8::/32'] }));
    const statusFrom = async (forwarded: string): Promise<number> => {
      const body = eventBody(forwarded);
      const headers = { 'x-forwarded-for': forwarded };
      return (await post(proxied, { body, source: 'bay-cabs/fixed', headers })).status;
    };
    assert.equal(await statusFrom('203.0.113.9'), 200);
    assert.equal(await statusFrom('2001:db8::9'), 200);
    assert.equal(await statusFrom('198.51.100.1'), 401);
    assert.equal(await statusFrom('203.0.113.9, 198.51.100.1'), 401);
  } finally {
    await proxied.service.stop();
  }
});

test('the audit knows claimed source, address, hash and length; the sender knows its Request-Id', async () => {
  const body = eventBody('audit');
  const response = await post(ingest, { body, secret: 'geheim-9' });
  const id = response.headers.get('request-id') ?? '';
  const audit = await auditOf({ status: response.status, id, body: await response.text() });
  assert.equal(audit['http_request_id'], id);
  assert.deepEqual([audit['tenant_id'], audit['source_id']], ['bay-cabs', 'dispatch']);
  assert.equal(audit['reason'], 'signature_wrong');
  assert.equal(audit['client_address'], '127.0.0.1');
  assert.equal(audit['body_bytes'], Buffer.byteLength(body));
  assert.match(String(audit['body_sha256']), /^[0-9a-f]{64}$/);
  assert.match(String(audit['meaning']), /none of the valid secrets/);
  const [newest] = await refusalsOf(ingest, '?tenant=bay-cabs&source=dispatch');
  assert.equal(newest?.['http_request_id'], id);
  assert.deepEqual(await refusalsOf(ingest, '?tenant=nobody'), []);
});

test('what waits for the audit is written before the service ends', async () => {
  const leaving = await startHarness({ databaseUrl: database.url });
  leaving.secrets.set('k2', 'geheim-2');
  const ids = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const response = await post(leaving, { body: eventBody('late'), secret: 'geheim-9' });
      return response.headers.get('request-id') ?? '';
    }),
  );
  await leaving.service.stop();
  for (const id of ids) assert.equal((await refusalsOf(ingest, id)).length, 1);
});

test('every key id is counted, so that an old secret can be seen falling out of use', async () => {
  for (const secret of ['geheim-1', 'geheim-2', 'geheim-2']) {
    assert.equal((await post(ingest, { body: eventBody(randomUUID()), secret })).status, 200);
  }
  const text = await ingest.metricsText();
  const count = (key: string): string | undefined =>
    new RegExp(
      `webhook_authenticated_total\\{tenant="bay-cabs",source="dispatch",key="${key}".*\\} (\\d+)`,
    ).exec(text)?.[1];
  assert.deepEqual([count('k1'), count('k2')], ['1', '2']);
});

test('the same signed bytes with another key are a replay at another instance, too', async () => {
  const other = await startHarness({ databaseUrl: database.url });
  try {
    const request = { body: eventBody('across'), t: now() };
    assert.equal((await post(ingest, { ...request, key: 'across-1' })).status, 200);
    assert.equal((await post(other, { ...request, key: 'across-2' })).status, 401);
    assert.equal((await post(other, { ...request, key: 'across-1' })).status, 200);
    assert.equal(ingest.log.sent.length + other.log.sent.length, 1);
  } finally {
    await other.service.stop();
  }
});
