// The door under pressure: limits of tenants, slow and greedy senders, a log that does not confirm, a stop.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, afterEach, before, test } from 'node:test';
import { Fault } from '@waybill/fault';
import type { TenantModel } from '@waybill/tenant';
import { configured, testDatabase, type TestDatabase, until } from '@waybill/testkit';
import type { ServiceConfig } from './service.ts';
import {
  eventBody,
  post,
  signatureOf,
  startHarness,
  tenant,
  type Harness,
} from './testing/harness.ts';

let database: TestDatabase;
let ingest: Harness | undefined;

before(async () => {
  database = await testDatabase();
});
after(() => database.stop());
afterEach(async () => {
  await ingest?.service.stop();
  ingest = undefined;
});

async function start(config: Partial<ServiceConfig> = {}): Promise<Harness> {
  ingest = await startHarness({ databaseUrl: database.url, config });
  return ingest;
}

/** Sends hang until `confirm` is called. */
function hangingLog(harness: Harness): {
  readonly asked: Promise<void>;
  readonly confirm: () => void;
} {
  const confirmed = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  harness.log.behaviour = () => {
    asked.resolve();
    return confirmed.promise;
  };
  return { asked: asked.promise, confirm: confirmed.resolve };
}

async function openSocket(harness: Harness): Promise<{ socket: Socket; text: () => string }> {
  const socket = connect(Number(new URL(harness.url).port), '127.0.0.1');
  let text = '';
  socket.on('data', (bytes: Buffer) => (text += bytes.toString()));
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return { socket, text: () => text };
}

function rawRequest(body: string, headers = ''): string {
  const signature = signatureOf(body, Math.floor(Date.now() / 1000), 'geheim-1');
  return (
    `POST /webhooks/telematics/bay-cabs/dispatch HTTP/1.1\r\nHost: x\r\n` +
    `X-Signature: ${signature}\r\nIdempotency-Key: ${crypto.randomUUID()}\r\n${headers}` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}

test('a source over its limit gets 429 with the headers of the draft; others do not feel it', async () => {
  const harness = await start();
  harness.clock = Date.now();
  const limited = tenant('bay-cabs', { k1: 'secret://files/test#k1' });
  const [dispatch] = limited.sources;
  assert.ok(dispatch?.kind === 'webhook');
  const model: TenantModel = {
    ...limited,
    webhook_limit: { requests_per_s: 100, burst: 100 },
    sources: [
      { ...dispatch, limit: { requests_per_s: 1, burst: 2 } },
      { ...dispatch, source_id: 'other' },
    ],
  };
  harness.configure('bay-cabs', configured(model));
  const first = await post(harness, { body: eventBody('l1') });
  assert.equal(first.status, 200);
  assert.equal(first.headers.get('ratelimit-policy'), '"source";q=2;w=2, "tenant";q=100;w=1');
  assert.equal(first.headers.get('ratelimit'), '"source";r=1;t=1, "tenant";r=99;t=1');
  assert.equal((await post(harness, { body: eventBody('l2') })).status, 200);
  const over = await post(harness, { body: eventBody('l3'), key: 'key-limited' });
  assert.equal(over.status, 429);
  assert.equal(over.headers.get('retry-after'), '1');
  assert.match(over.headers.get('ratelimit') ?? '', /^"source";r=0;t=2/);
  assert.match(await over.text(), /"violated-policies":\["source"\]/);
  // A stranger neither uses up the limit nor learns of it.
  const stranger = await post(harness, { body: eventBody('l4'), secret: 'geheim-9' });
  assert.equal(stranger.status, 401);
  assert.equal(stranger.headers.get('ratelimit'), null);
  const other = await post(harness, { body: eventBody('l5'), source: 'bay-cabs/other' });
  assert.equal(other.status, 200);
  harness.clock += 1000;
  assert.equal((await post(harness, { body: eventBody('l3'), key: 'key-limited' })).status, 200);
});

test('bodies that the log does not confirm fill the door, and it opens when they are through', async () => {
  const harness = await start({
    INGEST_IN_FLIGHT_BYTES: 3 * 1024 * 1024,
    INGEST_SEND_TIMEOUT_MS: 300,
  });
  const log = hangingLog(harness);
  const big = (id: string): string => eventBody(id, { note: 'x'.repeat(60_000), more: filler() });
  const statuses = await Promise.all(
    Array.from(
      { length: 8 },
      async (_, index) => (await post(harness, { body: big(`b${index}`) })).status,
    ),
  );
  assert.ok(
    statuses.every((status) => status === 503),
    String(statuses),
  );
  // The requests are answered; their bytes are still in the publisher.
  const held = (): number => Number(harness.service.health().extra?.['in_flight_bytes']);
  assert.ok(held() > 0 && held() <= 3 * 1024 * 1024, `${held()} bytes held`);
  log.confirm();
  harness.log.behaviour = async () => undefined;
  await until('the bytes to be free', () => held() === 0);
  // One second after the outage the next request looks whether the brokers are back.
  harness.clock = Date.now() + 2000;
  assert.equal((await post(harness, { body: big('later') })).status, 200);
});

/** Text that is long without a string over the limit. */
function filler(): string[] {
  return Array.from({ length: 10 }, () => 'y'.repeat(50_000));
}

test('during an outage requests are sent away at once, but one per second', async () => {
  const harness = await start();
  harness.clock = Date.now();
  harness.secrets.set('k2', 'geheim-2');
  let asked = 0;
  harness.log.behaviour = async () => {
    asked += 1;
    throw new Fault('no broker', { kind: 'transient', code: 'PUBLISH_FAILED', stage: 'publish' });
  };
  assert.equal((await post(harness, { body: eventBody('o1') })).status, 503);
  assert.equal((await post(harness, { body: eventBody('o2') })).status, 503);
  assert.equal(asked, 1);
  harness.clock += 12_000;
  assert.equal((await post(harness, { body: eventBody('o3') })).status, 503);
  assert.equal(asked, 2);
  const away = await post(harness, { body: eventBody('o4') });
  assert.equal(away.headers.get('retry-after'), '12');
  assert.equal((await post(harness, { body: eventBody('o5'), secret: 'geheim-9' })).status, 401);
  harness.log.behaviour = async () => undefined;
  harness.clock += 1000;
  assert.equal((await post(harness, { body: eventBody('o6') })).status, 200);
  assert.equal((await post(harness, { body: eventBody('o7') })).status, 200);
});

test(
  'a sender that dribbles its headers or its body is cut off; others are served',
  { timeout: 40_000 },
  async () => {
    const harness = await start();
    const headers = await openSocket(harness);
    headers.socket.write('POST /webhooks/telematics HTTP/1.1\r\nHost: x\r\nX-A: ');
    const body = await openSocket(harness);
    body.socket.write(rawRequest('x'.repeat(100)).slice(0, -50));
    const dribble = setInterval(() => {
      headers.socket.write('a');
      body.socket.write('x');
    }, 200);
    try {
      const ended = Promise.all([once(headers.socket, 'close'), once(body.socket, 'close')]);
      assert.equal((await post(harness, { body: eventBody('beside') })).status, 200);
      await ended;
      assert.match(headers.text(), /^HTTP\/1\.1 408 /);
      assert.equal(body.text(), '');
    } finally {
      clearInterval(dribble);
    }
    assert.match(await harness.metricsText(), /code="REQUEST_TIMEOUT".*\} 2/);
    assert.equal(harness.service.health().extra?.['in_flight'], 0);
    assert.equal(harness.service.health().extra?.['in_flight_bytes'], 0);
  },
);

test('a body without a declared length is cut at the limit', async () => {
  const harness = await start();
  const { socket, text } = await openSocket(harness);
  socket.write(
    'POST /webhooks/telematics/bay-cabs/dispatch HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n',
  );
  const piece = `10000\r\n${'x'.repeat(0x1_00_00)}\r\n`;
  for (let count = 0; count < 17; count += 1) socket.write(piece);
  await once(socket, 'close');
  assert.match(text(), /^HTTP\/1\.1 413 /);
  assert.match(text(), /connection: close/i);
  await until(
    'the bytes to be free',
    () => harness.service.health().extra?.['in_flight_bytes'] === 0,
  );
});

test('headers over 16 KiB, and requests ahead of their answers, are refused', async () => {
  const harness = await start();
  const fat = await openSocket(harness);
  fat.socket.write(`POST / HTTP/1.1\r\nHost: x\r\nX-Fat: ${'x'.repeat(20_000)}\r\n\r\n`);
  await once(fat.socket, 'close');
  assert.match(fat.text(), /^HTTP\/1\.1 431 /);
  const log = hangingLog(harness);
  const eager = await openSocket(harness);
  for (let count = 0; count < 9; count += 1) eager.socket.write(rawRequest(eventBody(`p${count}`)));
  await log.asked;
  log.confirm();
  await once(eager.socket, 'close');
  const statuses = [...eager.text().matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
  assert.deepEqual(statuses, [...Array.from({ length: 8 }, () => '200'), '503']);
});

test('connections over the limit are dropped, and those within it work on', async () => {
  const harness = await start({ INGEST_CONNECTIONS_MAX: 2 });
  const first = await openSocket(harness);
  const second = await openSocket(harness);
  first.socket.write(rawRequest(eventBody('c1')));
  await until('the first answer', () => first.text().includes('200 OK'));
  const third = connect(Number(new URL(harness.url).port), '127.0.0.1');
  third.on('error', () => undefined);
  await once(third, 'close');
  second.socket.write(rawRequest(eventBody('c2')));
  await until('the second answer', () => second.text().includes('200 OK'));
  assert.match(await harness.metricsText(), /webhook_connections_dropped_total\{.*\} 1/);
  first.socket.destroy();
  second.socket.destroy();
});

test('a stop: not ready first, what is at work is answered, the connection ends with its answer', async () => {
  const harness = await start();
  const log = hangingLog(harness);
  const { socket, text } = await openSocket(harness);
  socket.write(rawRequest(eventBody('last')));
  await log.asked;
  assert.equal(harness.service.health().ready, true);
  const stopped = harness.service.stop();
  ingest = undefined;
  assert.equal(harness.service.health().ready, false);
  log.confirm();
  await once(socket, 'close');
  assert.match(text(), /^HTTP\/1\.1 200 /);
  assert.match(text(), /connection: close/i);
  await stopped;
});

test('a stop does not wait for ever: at the deadline the unacknowledged are cut off', async () => {
  const harness = await start({ INGEST_DRAIN_DEADLINE_MS: 100, INGEST_SEND_TIMEOUT_MS: 15_000 });
  const log = hangingLog(harness);
  const { socket, text } = await openSocket(harness);
  socket.write(rawRequest(eventBody('never')));
  await log.asked;
  const stopped = harness.service.stop();
  ingest = undefined;
  await once(socket, 'close');
  assert.equal(text(), '');
  log.confirm();
  await stopped;
});
