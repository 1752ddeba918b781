import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { topics } from '@waybill/contracts';
import { createPool, type Pool } from '@waybill/postgres';
import { configured, testDatabase, type TestDatabase, until } from '@waybill/testkit';
import { lowestId } from './adapters/claim-rows.ts';
import { postgresClaims } from './adapters/postgres-claims.ts';
import {
  brokersGone,
  claimId,
  eventBody,
  fakeLog,
  post,
  recordsOf,
  signatureOf,
  startHarness,
  tenant,
  type Harness,
  type Request,
} from './testing/harness.ts';

let database: TestDatabase;
let pool: Pool;
let ingest: Harness;

before(async () => {
  database = await testDatabase();
  pool = createPool(database.url, { applicationName: 'test', max: 2 });
});
after(async () => {
  await pool.end();
  await database.stop();
});
beforeEach(async () => {
  ingest = await startHarness({ databaseUrl: database.url });
});
afterEach(async () => {
  await ingest.service.stop();
});

const now = (): number => Math.floor(Date.now() / 1000);

async function refusal(request: Request): Promise<{ status: number; body: string }> {
  const sent = ingest.log.sent.length;
  const response = await post(ingest, request);
  assert.equal(ingest.log.sent.length, sent, 'a refused request left a raw record');
  return { status: response.status, body: await response.text() };
}

test('an event is answered with its id and stands in the log verbatim', async () => {
  const body = eventBody('evt_123', { note: 'ü' });
  const response = await post(ingest, {
    body,
    key: 'key-verbatim',
    headers: { authorization: 'Bearer geheim', cookie: 'geheim', 'x-forwarded-for': '192.0.2.7' },
  });
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { accepted: 'evt_123' });
  const [outgoing] = ingest.log.sent;
  const [record] = recordsOf(ingest.log);
  assert.ok(outgoing && record);
  assert.equal(outgoing.topic, topics.webhookRaw);
  assert.equal(outgoing.key, record.request_id);
  assert.deepEqual(topics.webhookRaw.contracts.WebhookReceived.violations(record), []);
  assert.equal(record.body.toString(), body);
  assert.equal(record.verdict, 'VERIFIED');
  assert.equal(record.key_id, 'k1');
  assert.equal(record.idempotency_key, 'key-verbatim');
  assert.equal(record.content_type, 'application/json');
  assert.equal(record.headers['x-forwarded-for'], '192.0.2.7');
  assert.ok(Math.abs(record.received_time - Date.now()) < 5000);
  assert.doesNotMatch(JSON.stringify(record.headers), /geheim|sha256/);
});

test('a source is named by header or path; two different ones are none', async () => {
  const path = '/bay-cabs/dispatch';
  const byPath = await post(ingest, { body: eventBody('a'), source: null, path });
  assert.equal(byPath.status, 200);
  const both = await post(ingest, { body: eventBody('b'), path });
  assert.equal(both.status, 200);
  const differing = { body: eventBody('c'), source: 'bay-cabs/other', path };
  assert.deepEqual(await refusal(differing), { status: 401, body: '' });
});

test('the answer waits for the brokers', async () => {
  const confirmed = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  ingest.log.behaviour = () => {
    asked.resolve();
    return confirmed.promise;
  };
  let answered = false;
  const response = post(ingest, { body: eventBody('slow') }).then((result) => {
    answered = true;
    return result.status;
  });
  await asked.promise;
  await pool.query('select 1');
  assert.equal(answered, false);
  confirmed.resolve();
  assert.equal(await response, 200);
});

test('a repeat gets the same answer and leaves no second record, also when signed anew', async () => {
  const request = { body: eventBody('evt_7'), key: 'key-repeat' };
  const first = await post(ingest, { ...request, t: now() - 2 });
  const again = await post(ingest, { ...request, t: now() - 2 });
  const later = await post(ingest, { ...request, t: now(), key: '"key-repeat"' });
  for (const response of [first, again, later]) {
    assert.equal(response.status, 200);
    assert.equal(await response.text(), '{"accepted":"evt_7"}');
  }
  assert.equal(first.headers.get('idempotent-replayed'), null);
  assert.equal(again.headers.get('idempotent-replayed'), 'true');
  assert.equal(ingest.log.sent.length, 1);
});

test('the same key with another body is refused', async () => {
  await post(ingest, { body: eventBody('one'), key: 'key-other' });
  const answer = await refusal({ body: eventBody('two'), key: 'key-other' });
  assert.equal(answer.status, 422);
  assert.match(answer.body, /"code":"IDEMPOTENCY_KEY_REUSED"/);
});

test('keys of different sources do not meet', async () => {
  ingest.configure(
    'hudson-waste',
    configured(tenant('hudson-waste', { k1: 'secret://files/t#k1' })),
  );
  const request = { key: 'key-shared', source: 'hudson-waste/dispatch' };
  const one = await post(ingest, { body: eventBody('shared'), key: 'key-shared' });
  const two = await post(ingest, { body: eventBody('shared'), ...request });
  assert.deepEqual([one.status, two.status], [200, 200]);
  const [first, second] = recordsOf(ingest.log);
  assert.notEqual(first?.request_id, second?.request_id);
});

test('while the first request is at work its key answers 409', async () => {
  const confirmed = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  ingest.log.behaviour = () => {
    asked.resolve();
    return confirmed.promise;
  };
  const request = { body: eventBody('busy'), key: 'key-busy' };
  const first = post(ingest, { ...request, t: now() - 1 });
  await asked.promise;
  const second = await post(ingest, request);
  assert.equal(second.status, 409);
  assert.equal(second.headers.get('retry-after'), '1');
  confirmed.resolve();
  assert.equal((await first).status, 200);
  assert.equal((await post(ingest, request)).status, 200);
  assert.equal(ingest.log.sent.length, 1);
});

test('without brokers nothing is acknowledged, and the repeat goes through at once', async () => {
  ingest.log.behaviour = brokersGone;
  const request = { body: eventBody('outage'), key: 'key-outage' };
  ingest.clock = Date.now();
  const received = ingest.clock;
  const first = await post(ingest, request);
  assert.equal(first.status, 503);
  assert.equal(first.headers.get('retry-after'), '5');
  assert.equal(await first.text(), '');
  ingest.log.behaviour = async () => undefined;
  ingest.clock += 3000;
  assert.equal((await post(ingest, request)).status, 200);
  assert.equal(ingest.log.sent.length, 1);
  // The time of receipt is that of the first request: it is stamped once.
  assert.equal(recordsOf(ingest.log)[0]?.received_time, received);
});

test('brokers that do not answer in time are gone', async () => {
  const never = Promise.withResolvers<void>();
  ingest.log.behaviour = () => never.promise;
  const response = await post(ingest, { body: eventBody('hanging') });
  assert.equal(response.status, 503);
  never.resolve();
});

test('a claim whose process died is taken over after its lease, with the same request id', async () => {
  const request = { body: eventBody('crash'), key: 'key-crash' };
  const log = fakeLog();
  const other = await startHarness({ databaseUrl: database.url, log });
  try {
    // The other instance sends, but does not get to note that it did.
    const hanging = Promise.withResolvers<void>();
    log.behaviour = () => hanging.promise;
    const lost = post(other, { ...request, t: now() - 1 });
    await until('the claim to stand', async () => {
      const { rowCount } = await pool.query('select 1 from ingest.claim where request_id = $1', [
        claimId('key-crash'),
      ]);
      return rowCount === 1;
    });
    assert.equal((await post(ingest, request)).status, 409);
    await pool.query(
      `update ingest.claim_round set lease_until = now()
       where round_id = (select round_id from ingest.claim where request_id = $1)`,
      [claimId('key-crash')],
    );
    assert.equal((await post(ingest, request)).status, 200);
    hanging.resolve();
    await lost;
    assert.equal(recordsOf(log)[0]?.request_id, recordsOf(ingest.log)[0]?.request_id);
    assert.equal(recordsOf(log)[0]?.received_time, recordsOf(ingest.log)[0]?.received_time);
  } finally {
    await other.service.stop();
  }
});

test('of many repeats at two instances exactly one becomes a record', async () => {
  const log = fakeLog();
  const other = await startHarness({ databaseUrl: database.url, log });
  try {
    const request = { body: eventBody('storm'), key: 'key-storm' };
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => post(index % 2 === 0 ? ingest : other, request)),
    );
    const statuses = new Set(answers.map((answer) => answer.status));
    assert.ok(statuses.has(200));
    assert.ok([...statuses].every((status) => status === 200 || status === 409));
    assert.equal(log.sent.length + ingest.log.sent.length, 1);
  } finally {
    await other.service.stop();
  }
});

test('signed bytes that come again with another key are a replay', async () => {
  const body = eventBody('replayed');
  const t = now();
  assert.equal((await post(ingest, { body, t, key: 'key-genuine' })).status, 200);
  assert.deepEqual(await refusal({ body, t, key: 'key-forged' }), { status: 401, body: '' });
  // The same bytes under the other valid secret, or with the hex in capitals, are still the same bytes.
  ingest.secrets.set('k2', 'geheim-2');
  assert.equal((await refusal({ body, t, key: 'key-forged', secret: 'geheim-2' })).status, 401);
  const capitals = signatureOf(body, t, 'geheim-1').replace(/[0-9a-f]{64}$/, (hex) =>
    hex.toUpperCase(),
  );
  assert.equal((await refusal({ body, key: 'key-forged', signature: capitals })).status, 401);
  assert.match(
    await ingest.metricsText(),
    /webhook_unauthenticated_total\{reason="replayed",service="ingest"\} 3/,
  );
  // The genuine sender is not hurt by it.
  assert.equal((await post(ingest, { body, t, key: 'key-genuine' })).status, 200);
});

test('a replay is refused while the first request is still at work, too', async () => {
  const confirmed = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  ingest.log.behaviour = () => {
    asked.resolve();
    return confirmed.promise;
  };
  const body = eventBody('race');
  const t = now();
  const genuine = post(ingest, { body, t });
  await asked.promise;
  assert.equal((await refusal({ body, t })).status, 401);
  confirmed.resolve();
  assert.equal((await genuine).status, 200);
});

test('who is not authenticated gets a bare 401; the reason stands in log and metric', async () => {
  ingest.secrets.set('k2', 'geheim-2');
  const at = now();
  // Stands still: the edges of the tolerance are tried.
  ingest.clock = at * 1000;
  const body = eventBody('x');
  const good = signatureOf(body, at, 'geheim-1');
  const cases: readonly (readonly [reason: string, request: Partial<Request>])[] = [
    ['signature_missing', { signature: null }],
    ['signature_malformed', { signature: 'nonsense' }],
    ['signature_malformed', { signature: good.replace(/t=\d+/, `t=${at}000`) }],
    ['signature_wrong', { secret: 'geheim-9' }],
    ['signature_wrong', { signature: good, body: `${body} ` }],
    ['signature_wrong', { signature: good.replace(/t=\d+/, `t=${at + 1}`) }],
    ['source_unknown', { source: 'bay-cabs/other' }],
    ['source_unknown', { source: 'nobody/dispatch' }],
    ['source_unknown', { source: null }],
    ['source_unknown', { source: '../etc/passwd' }],
    ['too_old', { t: at - 301 }],
    ['in_future', { t: at + 301 }],
  ];
  for (const [reason, request] of cases) {
    ingest.lines.length = 0;
    const answer = await refusal({ body, ...request });
    assert.deepEqual(answer, { status: 401, body: '' }, reason);
    const line = ingest.lines.find(({ msg }) => msg === 'webhook.answered');
    assert.equal(line?.fields.reason, reason);
  }
  assert.match(await ingest.metricsText(), /webhook_unauthenticated_total\{reason="too_old".*\} 1/);
  for (const t of [at - 300, at + 300]) {
    assert.equal((await post(ingest, { body: eventBody(`at ${t}`), t })).status, 200);
  }
});

test('a secret can be changed without a restart, and old and new are valid together', async () => {
  ingest.secrets.set('k2', 'geheim-2');
  assert.equal((await post(ingest, { body: eventBody('r1') })).status, 200);
  assert.equal((await post(ingest, { body: eventBody('r2'), secret: 'geheim-2' })).status, 200);
  ingest.secrets.set('k1', 'geheim-3');
  assert.equal((await refusal({ body: eventBody('r3') })).status, 401);
  assert.equal((await post(ingest, { body: eventBody('r4'), secret: 'geheim-3' })).status, 200);
  assert.deepEqual(
    recordsOf(ingest.log).map((record) => record.key_id),
    ['k1', 'k2', 'k1'],
  );
});

test('a secret that cannot be read makes 503, not 401, unless another one matches', async () => {
  // k2 has no value in this test.
  assert.equal((await post(ingest, { body: eventBody('s1') })).status, 200);
  const answer = await refusal({ body: eventBody('s2'), secret: 'geheim-2' });
  assert.deepEqual(answer, { status: 503, body: '' });
  assert.ok(ingest.lines.some(({ msg }) => msg === 'secret.unreadable'));
});

test('the Idempotency-Key is required, after authentication', async () => {
  const missing = await refusal({ body: eventBody('k'), key: null });
  assert.equal(missing.status, 400);
  assert.match(missing.body, /"code":"IDEMPOTENCY_KEY_MISSING"/);
  assert.equal((await refusal({ body: eventBody('k'), key: 'k'.repeat(256) })).status, 400);
  const stranger = { body: eventBody('k'), key: null, secret: 'geheim-9' };
  assert.deepEqual(await refusal({ ...stranger, signature: 'none' }), { status: 401, body: '' });
});

test('a body that breaks the contract is refused with every violation and may come again', async () => {
  const broken = JSON.stringify({ event: 'trip.status.changed', data: { status: 'gone' } });
  const response = await post(ingest, { body: broken, key: 'key-broken' });
  assert.equal(response.status, 422);
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  const problem = (await response.json()) as { violations: { path: string }[] };
  assert.deepEqual(
    problem.violations.map((violation) => violation.path),
    ['id', 'data.trip_id', 'data.status', 'data.ts'],
  );
  assert.equal((await refusal({ body: 'no json', key: 'key-broken' })).status, 400);
  assert.equal((await refusal({ body: '', key: 'key-broken' })).status, 400);
  const mended = await post(ingest, { body: eventBody('mended'), key: 'key-broken' });
  assert.equal(mended.status, 200);
});

test('what is too big, compressed, elsewhere or of another type is answered as such', async () => {
  const big = eventBody('big', { note: 'x'.repeat(1024 * 1024) });
  assert.deepEqual(await refusal({ body: big }), { status: 413, body: '' });
  const nearly = eventBody('nearly') + ' '.repeat(1_000_000 - 200);
  assert.equal((await post(ingest, { body: nearly })).status, 200);
  const gzip = { body: eventBody('z'), headers: { 'content-encoding': 'gzip' } };
  assert.equal((await refusal(gzip)).status, 415);
  assert.equal((await refusal({ body: eventBody('p'), path: '/a' })).status, 404);
  const text = { body: eventBody('text'), headers: { 'content-type': 'text/plain' } };
  const refused = await refusal(text);
  assert.equal(refused.status, 415);
  assert.match(refused.body, /"code":"TYPE_UNSUPPORTED"/);
});

test('more requests than the limit are sent away until there is room', async () => {
  const small = await startHarness({
    databaseUrl: database.url,
    config: { INGEST_IN_FLIGHT_MAX: 1 },
  });
  try {
    const confirmed = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    small.log.behaviour = () => {
      asked.resolve();
      return confirmed.promise;
    };
    const first = post(small, { body: eventBody('first') });
    await asked.promise;
    const second = await post(small, { body: eventBody('second') });
    assert.equal(second.status, 503);
    assert.equal(second.headers.get('retry-after'), '1');
    confirmed.resolve();
    assert.equal((await first).status, 200);
    await until('the requests to end', () => small.service.health().extra?.['in_flight'] === 0);
    assert.equal((await post(small, { body: eventBody('third') })).status, 200);
  } finally {
    await small.service.stop();
  }
});

test('a claim that does not reach the disk is not acknowledged, and the repeat is', async () => {
  // What goes wrong at the commit: a constraint that is looked at last.
  await pool.query(`
    create function ingest.refuse() returns trigger language plpgsql as $$
      begin raise exception 'the disk is full'; end $$;
    create constraint trigger refuse after insert on ingest.claim deferrable initially deferred
      for each row execute function ingest.refuse()`);
  const push = { body: eventBody('evt_commit'), key: 'key-commit' };
  try {
    assert.equal((await post(ingest, push)).status, 503);
  } finally {
    await pool.query('drop trigger refuse on ingest.claim; drop function ingest.refuse');
  }
  // As a sender would: what is away is tried again once a second.
  await until('the repeat to be accepted', async () => (await post(ingest, push)).status === 200);
  const written = recordsOf(ingest.log);
  assert.equal(written.length, 2, 'the record went out while the claim went to disk');
  assert.equal(new Set(written.map((record) => record.request_id)).size, 1);
});

test('without the database nothing is acknowledged', async () => {
  const gone = await startHarness({ databaseUrl: database.url });
  try {
    await pool.query('alter table ingest.claim rename to claim_away');
    assert.equal((await post(gone, { body: eventBody('nowhere') })).status, 503);
    assert.equal(gone.log.sent.length, 0);
  } finally {
    await pool.query('alter table ingest.claim_away rename to claim');
    await gone.service.stop();
  }
});

test('an event in the log is accepted even if the claim cannot be completed', async () => {
  ingest.log.behaviour = async () => {
    await pool.query('alter table ingest.claim_round rename to round_away');
  };
  const request = { body: eventBody('half'), key: 'key-half' };
  try {
    const response = await post(ingest, request);
    assert.equal(response.status, 200);
    await until('the failure to be logged', () =>
      ingest.lines.some(({ msg }) => msg === 'claim.complete_failed'),
    );
  } finally {
    await pool.query('alter table ingest.round_away rename to claim_round');
  }
  // Told with the next claims.
  ingest.log.behaviour = async () => undefined;
  assert.equal((await post(ingest, { body: eventBody('next') })).status, 200);
  const other = await startHarness({ databaseUrl: database.url });
  try {
    const repeated = await post(other, { ...request, t: now() - 1 });
    assert.equal(repeated.headers.get('idempotent-replayed'), 'true');
  } finally {
    await other.service.stop();
  }
});

test('tenant files take effect without restart; a damaged one leaves the last good in force', async () => {
  const request = { source: 'hudson-waste/dispatch' };
  assert.equal((await refusal({ body: eventBody('t1'), ...request })).status, 401);
  const good = configured(tenant('hudson-waste', { k1: 'secret://files/test#k1' }));
  ingest.configure('hudson-waste', good);
  assert.equal((await post(ingest, { body: eventBody('t2'), ...request })).status, 200);
  ingest.configure('hudson-waste', { ...good, document: '{}' });
  assert.ok(ingest.lines.some(({ msg }) => msg === 'tenant.refused'));
  assert.equal((await post(ingest, { body: eventBody('t3'), ...request })).status, 200);
  ingest.configure('hudson-waste', null);
  assert.equal((await refusal({ body: eventBody('t4'), ...request })).status, 401);
});

test('the sweep forgets what is older than the retention and nothing else', async () => {
  const claims = postgresClaims(pool, { leaseS: 30, retentionH: 24 }, { warn: () => undefined });
  await claims.sweep();
  await post(ingest, { body: eventBody('old'), key: 'key-old' });
  await post(ingest, { body: eventBody('new'), key: 'key-new' });
  const keys = [claimId('key-old'), claimId('key-new')];
  const past = `now() - interval '27 h'`;
  // The other one was claimed within 24 h, with a stamp that was as old as the largest tolerance allows.
  for (const [i, hours] of [26, 24.9].entries()) {
    await pool.query('update ingest.claim set signed_id = $2 where request_id = $1', [
      keys[i],
      lowestId(Date.now() - hours * 3_600_000),
    ]);
  }
  const [crashed] = (
    await pool.query<{ round_id: string }>(
      `insert into ingest.claim_round (lease_until) values (${past}), (now()) returning round_id`,
    )
  ).rows;
  assert.equal(await claims.sweep(), 1);
  const left = await pool.query<{ request_id: string }>(
    `select replace(request_id::text, '-', '') as request_id from ingest.claim
     where request_id = any($1)`,
    [keys],
  );
  assert.deepEqual(left.rows, [{ request_id: keys[1] }]);
  const round = await pool.query('select 1 from ingest.claim_round where round_id = $1', [
    crashed?.round_id,
  ]);
  assert.equal(round.rowCount, 0);
});

// Idle connections would be kept for 72 s.
test('stopping answers what is at work and takes nothing new', { timeout: 10_000 }, async () => {
  const leaving = await startHarness({ databaseUrl: database.url });
  const confirmed = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  leaving.log.behaviour = () => {
    asked.resolve();
    return confirmed.promise;
  };
  const request = post(leaving, { body: eventBody('last'), key: randomUUID() });
  await asked.promise;
  const stopped = leaving.service.stop();
  confirmed.resolve();
  assert.equal((await request).status, 200);
  await stopped;
  await leaving.service.done;
  await assert.rejects(post(leaving, { body: eventBody('late') }));
});
