import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { topics, type Message, type PositionRecorded } from '@waybill/contracts';
import { IPS_CONTENT_TYPE, IPS_DEVICE_HEADER, IPS_UNIT_HEADER } from '@waybill/domain';
import { partitionFor } from '@waybill/stream';
import type { Read } from '@waybill/testkit';
import { configReader } from './config.ts';
import { codes } from './errors.ts';
import {
  good,
  page,
  progress,
  startTransformer,
  statusRequest,
  TASKS,
  TRACE,
} from './testing/run.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const PARTITION = partitionFor('bay-cabs/wialon:7001', TASKS);

/** Types and times of one partition of the position topic, in order: `T5` = progress to 5 ms. */
function courseOf(records: readonly Read[], partition: number): readonly (string | number)[] {
  return records
    .filter((record) => record.partition === partition)
    .map(({ message }) => {
      if (message?.type === 'PositionRecorded')
        return (message.value as PositionRecorded).event_time;
      return `T${(message as Message<string, { complete_to_time: number }>).value.complete_to_time}`;
    });
}

test('progress goes to every partition of the position topic, behind the pages before it', async () => {
  const { pages, positions } = await startTransformer();
  const later = { ...good, t: good.t + 1 };
  await pages(page([good]), progress(5_000), page([later]), progress(6_000));
  const found = await positions();
  for (let partition = 0; partition < TASKS; partition += 1) {
    const [first, second] =
      partition === PARTITION ? [[good.t * 1000], [later.t * 1000]] : [[], []];
    assert.deepEqual(courseOf(found, partition), [...first, 'T5000', ...second, 'T6000']);
  }
});

test('every event goes to its own topic with its trace to the raw element', async () => {
  const { driver, pages, webhook } = await startTransformer();
  await pages(
    page([good]),
    page(
      { items: [{ cls: 2, id: 7001, nm: 'Cab' }] },
      { call: 'core/search_items', page_id: 'f'.repeat(32) },
    ),
    page([{ id: 1, rid: 600, t: 3, p: [{ x: 1, y: 1, r: 5 }] }], {
      call: 'resource/get_zone_data',
    }),
  );
  await webhook(statusRequest);
  const [position] = await driver.read(topics.position);
  const [asset] = await driver.read(topics.asset);
  const [zone] = await driver.read(topics.zone);
  const [status] = await driver.read(topics.tripStatus);
  assert.deepEqual(
    [position, asset, zone, status].map((record) => record?.key),
    ['bay-cabs/wialon:7001', 'bay-cabs/wialon:7001', 'bay-cabs/wialon:600_1', 'bay-cabs/push/T-1'],
  );
  const raw = { partition: partitionFor('bay-cabs/fleet/cabs', 2), offset: 0, index: 0 };
  const traceOf = (record: Read | undefined): unknown => ({
    ...(record?.message?.value as { trace: object } | undefined)?.trace,
  });
  assert.deepEqual(traceOf(position), { topic: 'wialon.page.raw.v1', ...raw });
  const request = { ...raw, partition: partitionFor('r', 2) };
  assert.deepEqual(traceOf(status), { topic: 'telematics.webhook.raw.v1', ...request });
  assert.equal(status?.headers['traceparent'], TRACE, 'a pushed fact is rare and always traced');
});

test('a fix by feed, interval, notification and retranslator is four records with one id and one key', async () => {
  const { pages, webhook, positions, rejected } = await startTransformer();
  const pos = { y: 52.100_004_4, x: 21.000_014_9, s: 64, c: 180, z: 110, sc: 11 };
  const message = { ...good, pos };
  await pages(
    page([message]),
    page(
      { tm: 1_760_000_004, events: [{ i: 7001, t: 'm', d: message }] },
      { call: 'avl_evts', unit: null, page_id: 'f'.repeat(32) },
    ),
  );
  const pushed = { ...statusRequest, verdict: 'UNSIGNED' as const };
  await webhook({
    ...pushed,
    content_type: 'application/x-www-form-urlencoded',
    body: Buffer.from('unit=7001&t=1760000001&lat=52.1000044&lon=21.0000149&rule=Speeding'),
  });
  await webhook({
    ...pushed,
    content_type: IPS_CONTENT_TYPE,
    headers: { [IPS_DEVICE_HEADER]: '350000000005014', [IPS_UNIT_HEADER]: 'wialon:7001' },
    body: Buffer.from('#SD#091025;085321;5206.0003;N;02100.0009;E;64;180;110;11;0000'),
  });
  assert.deepEqual(await rejected(), []);
  const found = (await positions()).filter(
    ({ message: record }) => record?.type === 'PositionRecorded',
  );
  assert.equal(found.length, 4);
  assert.deepEqual([...new Set(found.map(({ key }) => key))], ['bay-cabs/wialon:7001']);
  const fixes = found.map(({ message: record }) => record?.value as PositionRecorded);
  assert.equal(new Set(fixes.map(({ event_id: id }) => id)).size, 1);
  assert.deepEqual(
    fixes.map(({ trace }) => trace.topic),
    [
      topics.wialonPage.name,
      topics.wialonPage.name,
      topics.webhookRaw.name,
      topics.webhookRaw.name,
    ],
  );
});

test('positions carry a trace only when their page is sampled, progress always', async () => {
  const { pages, positions } = await startTransformer(0.25);
  const later = { ...good, t: good.t + 1 };
  await pages(page([good], { page_id: `3${'0'.repeat(31)}` }), page([later]), progress(1));
  const traces = (await positions()).map(({ message, headers }) => [
    message?.type === 'PositionRecorded' ? (message.value as PositionRecorded).event_time : 'T',
    headers['traceparent'],
  ]);
  const of = (what: unknown): unknown[] =>
    traces.filter(([kind]) => kind === what).map(([, t]) => t);
  assert.deepEqual(of(good.t * 1000), [TRACE]);
  assert.deepEqual(of(later.t * 1000), [undefined]);
  assert.deepEqual(of('T'), [TRACE, TRACE, TRACE]);
});

test('a refused element goes to the dead letter with its address, its neighbours go on', async () => {
  const { driver, pages, positions, rejected, lines } = await startTransformer();
  const later = { ...good, t: good.t + 1 };
  await pages(page([good, null, { tp: 'us' }, { ...good, f: 0, pos: null }, later]));
  assert.equal((await positions()).length, 2);
  const [letter, ...others] = await rejected();
  assert.equal(others.length, 0);
  assert.deepEqual(
    [letter?.code, letter?.trace.index, letter?.trace.offset, letter?.tenant_id, letter?.unit],
    ['MESSAGE_MALFORMED', 1, 0, 'bay-cabs', 'wialon:7001'],
  );
  assert.equal(letter?.original?.toString(), 'null');
  assert.deepEqual(Object.fromEntries(driver.discarded()), {
    MESSAGE_MALFORMED: 1,
    other_message_type: 1,
    no_position: 1,
  });
  assert.deepEqual(lines, [{ refused: { MESSAGE_MALFORMED: 1 } }]);
});

test('an answer that the extractor found unusable is refused as a whole, even if it could be read', async () => {
  const { positions, pages, rejected, driver } = await startTransformer();
  const unusable = { http_status: 502, content_type: 'text/html', body_bytes: 13 };
  const reason = 'messages/get_messages: expected HTTP 200, found 502';
  await pages(
    page([good], { unusable_reason: reason, ...unusable }),
    page([], { call: 'token/login', unusable_reason: 'token/login: expected eid', ...unusable }),
    page([{ id: 1, rid: 600, t: 3, p: [{ x: 1, y: 1, r: 5 }] }], {
      call: 'resource/get_zone_data',
      parameters: '{"itemId":600}',
    }),
    page([], {
      call: 'resource/get_zone_data',
      parameters: '{"itemId":600}',
      unusable_reason: 'a proxy says nothing is there',
      ...unusable,
    }),
  );
  assert.equal((await positions()).length, 0);
  const letters = await rejected();
  assert.deepEqual(
    letters.map(({ code, message }) => [code, message]),
    [
      ['BODY_UNREADABLE', `BODY_UNREADABLE at body: ${reason}`],
      ['BODY_UNREADABLE', 'BODY_UNREADABLE at body: token/login: expected eid'],
      ['BODY_UNREADABLE', 'BODY_UNREADABLE at body: a proxy says nothing is there'],
    ],
  );
  assert.match(letters[0]?.original?.toString() ?? '', /^\[/);
  assert.equal((await driver.read(topics.zone)).length, 1, 'no geofence was ended');
});

test('the parts of a split answer stand for themselves', async () => {
  const { pages, positions } = await startTransformer();
  const part = (unit: number, at: number): Message =>
    page(
      { tm: 1, events: [{ i: unit, t: 'm', d: good }] },
      { call: 'avl_evts', unit: null, parts: 2, part: at },
    );
  await pages(part(1, 0), part(2, 1));
  assert.deepEqual((await positions()).map(({ key }) => key).toSorted(), [
    'bay-cabs/wialon:1',
    'bay-cabs/wialon:2',
  ]);
});

test('every position is written once, across a failed commit, a crash and a stop', async () => {
  const { driver, service, pages, positions } = await startTransformer();
  const block = (from: number): Message =>
    page(Array.from({ length: 500 }, (_, at) => ({ ...good, t: from + at })));
  await pages(block(1_700_000_000), progress(5_000));
  driver.log.crashes.nextCommit('transformer', partitionFor('bay-cabs/fleet/cabs', 2), 'lose');
  await pages(block(1_700_000_500));
  await service.restart();
  await pages(block(1_700_001_000), progress(6_000));
  await service.stop();
  await service.current().done;
  const course = courseOf(await positions(), PARTITION);
  const seconds = Array.from({ length: 1_500 }, (_, at) => (1_700_000_000 + at) * 1000);
  assert.deepEqual(course, [...seconds.slice(0, 500), 'T5000', ...seconds.slice(500), 'T6000']);
});

test('it is ready once it reads its three inputs, and says where it stands', async () => {
  const { service, pages } = await startTransformer();
  await pages(progress(1));
  const { ready, positions } = service.current().health();
  assert.equal(ready, true);
  const raw = positions.map(({ topic, next }) => `${topic} ${next}`).toSorted();
  assert.deepEqual(raw, [
    'telematics.webhook.raw.v1 0',
    'telematics.webhook.raw.v1 0',
    'wialon.page.backfill.v1 0',
    'wialon.page.backfill.v1 0',
    'wialon.page.raw.v1 0',
    'wialon.page.raw.v1 1',
  ]);
});

test('the contract card lists every error code and every variable', () => {
  for (const [code, { kind }] of Object.entries(codes)) {
    assert.match(readme, new RegExp(`\`${code}\`.*\\b${kind}\\b`), code);
  }
  const listed = [...readme.matchAll(/^\| `([A-Z_]+)`/gm)].map((match) => match[1]);
  const known = new Set([...Object.keys(codes), ...configReader.describe().map((row) => row.name)]);
  for (const name of listed) assert.ok(known.has(name ?? ''), `${name} is listed but gone`);
  for (const row of configReader.describe()) {
    assert.match(readme, new RegExp(`\`${row.name}\``), row.name);
  }
});

test('signals stand in positions as the unit’s sensors say, once these were read', async () => {
  const { driver, pages } = await startTransformer();
  const measured = { ...good, p: { lls: 41 } };
  const sens = { 1: { id: 1, n: 'Tank', t: 'fuel level', m: 'l', p: 'lls', tbl: [] } };
  const units = page(
    { items: [{ cls: 2, id: 7001, nm: 'Cab', sens }] },
    { call: 'core/search_items', page_id: 'f'.repeat(32) },
  );
  await pages(page([measured]));
  await pages(units);
  await pages(
    page([
      { ...measured, t: good.t + 1 },
      { ...measured, t: good.t + 2, f: 0, pos: null },
    ]),
  );
  const made = (await driver.read(topics.position)).map(({ message }) => [
    message?.type,
    (message?.value as PositionRecorded | undefined)?.fuel_level_l,
  ]);
  assert.deepEqual(made, [
    ['PositionRecorded', null],
    ['PositionRecorded', 41],
    ['SignalRecorded', 41],
  ]);
});
