import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type {
  AssetDescribed,
  PageFetched,
  PositionRecorded,
  WebhookReceived,
} from '@waybill/contracts';
import { transformPage, transformWebhook, type Transformed } from '@waybill/transforms';
import { madeUpFleets, startTwin, tokenOf, type Twin } from '@waybill/wialon-twin';
import { checkBody } from './core/body-check.ts';
import { startIpsHarness } from './testing/ips.ts';

const BASE = Date.parse('2025-01-06T00:00:00Z');
const HOURS_MS = 12 * 3_600_000;
const address = { topic: 'raw', partition: 0, offset: 1 };

/** One call of the Remote API, as the extractor makes it; the answer as it came. */
async function call(twin: Twin, svc: string, params: object, sid = ''): Promise<Buffer> {
  const isFeed = svc === 'avl_evts';
  const response = await fetch(`${twin.url}${isFeed ? '/avl_evts' : '/wialon/ajax.html'}`, {
    method: 'POST',
    headers: { 'accept-encoding': 'gzip' },
    body: new URLSearchParams(isFeed ? { sid } : { svc, params: JSON.stringify(params), sid }),
  });
  return Buffer.from(await response.arrayBuffer());
}

async function login(twin: Twin): Promise<string> {
  const answer = await call(twin, 'token/login', { token: tokenOf('fleet') });
  return (JSON.parse(answer.toString()) as { eid: string }).eid;
}

const page = (body: Buffer, service: string, unit: string | null): PageFetched => ({
  tenant_id: 'bay-cabs',
  source_id: 'fleet',
  account: 'fleet',
  page_id: '0'.repeat(32),
  call: service,
  parameters: '{}',
  unit,
  window_from_time: null,
  window_to_time: null,
  session_hash: '0f3c9a77be1d4c02',
  received_time: BASE + HOURS_MS,
  provider_now_time: null,
  first_index: 0,
  message_count: 0,
  part: 0,
  parts: 1,
  body_sha256: '0'.repeat(64),
  unusable_reason: null,
  http_status: null,
  content_type: null,
  body_bytes: null,
  body,
});

/** Receives what is pushed, as the door of a vendor’s source would keep it. */
async function startReceiver(kept: WebhookReceived[]): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const type = request.headers['content-type'] ?? null;
      assert.equal(
        checkBody(body, 'vendor', type === null ? {} : { 'content-type': type }).kind,
        'valid',
      );
      kept.push({
        tenant_id: 'bay-cabs',
        source_id: 'notices',
        request_id: '0'.repeat(32),
        received_time: BASE + HOURS_MS,
        verdict: 'UNSIGNED',
        key_id: 'k1',
        idempotency_key: null,
        content_type: type,
        headers: {},
        body_sha256: '0'.repeat(64),
        body,
      });
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/hook`, close: () => server.close() };
}

function positionsOf(results: readonly Transformed[]): PositionRecorded[] {
  return results.flatMap(({ events, rejections }) => {
    assert.deepEqual(rejections, []);
    return events
      .filter(({ contract }) => contract === 'PositionRecorded')
      .map(({ value }) => value as PositionRecorded);
  });
}

test('a fix has one identity and one place by feed, interval, retranslator and notification', async (t) => {
  const harness = await startIpsHarness();
  t.after(() => harness.listener.close(0));
  // The sender of the twin has no password.
  harness.secrets.set('secret://files/bay-cabs#ips', 'NA');
  const pushed: WebhookReceived[] = [];
  const receiver = await startReceiver(pushed);
  t.after(receiver.close);
  let nowMs = 0;
  const twin = await startTwin({
    scenario: madeUpFleets({
      accounts: ['fleet'],
      fleet: { units: 3, every_s: 60 },
      baseTime: new Date(BASE).toISOString(),
      durationS: 86_400,
      pushUrl: receiver.url,
    }),
    seed: 7,
    speed: 1,
    latencyMs: 0,
    sessionIdleS: 86_400,
    nowMs: () => nowMs,
    ips: { host: '127.0.0.1', port: harness.listener.port },
  });
  t.after(() => twin.close());
  const sid = await login(twin);
  const units = {
    itemsType: 'avl_unit',
    propName: 'sys_name',
    propValueMask: '*',
    sortType: 'sys_id',
  };
  const search = { spec: units, force: 1, flags: 257, from: 0, to: 0 };
  const listing = await call(twin, 'core/search_items', search, sid);
  const assets = transformPage(page(listing, 'core/search_items', null), address).events;
  for (const { value } of assets) {
    const { unit, intervals } = value as AssetDescribed;
    harness.describe('bay-cabs', unit, intervals[0]?.device_id ?? null);
  }
  const all = { type: 'type', data: 'avl_unit', flags: 33, mode: 0 };
  await call(twin, 'core/update_data_flags', { spec: [all] }, sid);
  nowMs = HOURS_MS;
  const delivered = await twin.deliver();
  assert.equal(delivered.ips_failed + delivered.push_failed, 0);
  const feed = await call(twin, 'avl_evts', {}, sid);
  const byFeed = positionsOf([transformPage(page(feed, 'avl_evts', null), address)]);
  const byInterval: PositionRecorded[] = [];
  for (const { value } of assets) {
    const { unit } = value as AssetDescribed;
    const itemId = Number(unit.split(':')[1]);
    const interval = {
      itemId,
      timeFrom: BASE / 1000,
      timeTo: 4_294_967_295,
      flags: 0,
      flagsMask: 0,
    };
    await call(twin, 'messages/load_interval', { ...interval, loadCount: 0 }, sid);
    const body = await call(twin, 'messages/get_messages', { indexFrom: 0, indexTo: 9999 }, sid);
    byInterval.push(
      ...positionsOf([transformPage(page(body, 'messages/get_messages', unit), address)]),
    );
  }
  const byIps = positionsOf(harness.kept.map((record) => transformWebhook(record, address)));
  const byNotice = positionsOf(pushed.map((record) => transformWebhook(record, address)));
  assert.ok(byFeed.length > 2000, `${byFeed.length} fixes by feed`);
  assert.ok(byNotice.length > 10, `${byNotice.length} notifications`);
  const ids = (positions: readonly PositionRecorded[]): string[] =>
    [...new Set(positions.map(({ event_id }) => event_id))].toSorted();
  assert.deepEqual(ids(byIps), ids(byFeed));
  const stored = new Map(byInterval.map((position) => [position.event_id, position]));
  for (const position of [...byFeed, ...byIps, ...byNotice]) {
    const same = stored.get(position.event_id);
    assert.ok(same, `${position.unit} at ${new Date(position.event_time).toISOString()}`);
    assert.equal(position.event_time, same.event_time);
    // Minutes of four decimals: 9 cm.
    assert.ok(Math.abs(position.latitude - same.latitude) < 1e-6);
    assert.ok(Math.abs(position.longitude - same.longitude) < 1e-6);
  }
});
