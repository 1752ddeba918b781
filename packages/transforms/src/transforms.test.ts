import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { topics } from '@waybill/contracts';
import { fixId } from '@waybill/domain';
import { transformPage, type Transformed } from './index.ts';
import { pageOf } from './page-fixture.ts';

const address = { topic: 'wialon.page.raw.v1', partition: 1, offset: 7 };

function messages(body: unknown, call = 'messages/get_messages'): Transformed {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return transformPage(pageOf({ call, body: Buffer.from(text) }), address);
}

const good = {
  t: 1_760_000_001,
  f: 7,
  tp: 'ud',
  pos: { y: 52.1, x: 21, z: 110, s: 64, c: 180, sc: 11 },
  rt: 1_760_000_003,
  p: {},
};

function total(result: Transformed): number {
  return (
    result.events.length +
    result.rejections.length +
    result.skipped.reduce((sum, entry) => sum + entry.count, 0)
  );
}

test('a data message becomes a position with identity, times and a trace to its element', () => {
  const event = messages([{ t: 1, tp: 'us' }, good]).events[0];
  assert.ok(event?.contract === 'PositionRecorded');
  assert.equal(event.key, 'bay-cabs/wialon:7001');
  assert.equal(event.value.event_time, 1_760_000_001_000);
  assert.equal(event.value.provider_time, 1_760_000_003_000);
  assert.equal(event.value.received_time, 1_760_000_100_000);
  assert.equal(event.value.revision, 1_760_000_100_000);
  assert.deepEqual(event.value.trace, { ...address, index: 1 });
  assert.equal(
    event.value.event_id,
    fixId({
      tenantId: 'bay-cabs',
      unit: 'wialon:7001',
      eventTime: 1_760_000_001_000,
      latitude: 52.1,
      longitude: 21,
    }),
  );
});

test('without a registration time the time of receipt stands in', () => {
  const event = messages([{ ...good, rt: undefined }]).events[0];
  assert.equal(event?.value.event_time, 1_760_000_001_000);
  assert.ok(event?.contract === 'PositionRecorded');
  assert.equal(event.value.provider_time, event.value.received_time);
});

test('oddities that are real do not cost a fix', () => {
  const result = messages([
    { ...good, f: 1_073_741_831 },
    { ...good, pos: { y: 52.1, x: 21, sc: 255 } },
    { ...good, pos: { ...good.pos, s: 2096 } },
    { ...good, p: null },
  ]);
  const values = result.events.map((event) =>
    event.contract === 'PositionRecorded' ? event.value : assert.fail(event.contract),
  );
  assert.equal(values.length, 4);
  assert.equal(values[1]?.satellites, null);
  assert.equal(values[1]?.altitude_m, null);
  assert.equal(values[2]?.speed_kmh, null);
});

const malformed: readonly [title: string, message: unknown, code: string, path: string][] = [
  ['latitude out of range', { ...good, pos: { ...good.pos, y: 91 } }, 'POSITION_INVALID', 'pos.y'],
  [
    'longitude out of range',
    { ...good, pos: { ...good.pos, x: 181 } },
    'POSITION_INVALID',
    'pos.x',
  ],
  ['latitude as text', { ...good, pos: { ...good.pos, y: '52.1' } }, 'POSITION_INVALID', 'pos.y'],
  ['no longitude', { ...good, pos: { y: 52.1 } }, 'POSITION_INVALID', 'pos.x'],
  ['time as text', { ...good, t: '2025-10-09T08:53:21Z' }, 'TIME_INVALID', 't'],
  ['negative time', { ...good, t: -5 }, 'TIME_INVALID', 't'],
  ['time beyond year 9999', { ...good, t: 1e14 }, 'TIME_INVALID', 't'],
  ['registration as text', { ...good, rt: 'x' }, 'TIME_INVALID', 'rt'],
  ['null', null, 'MESSAGE_MALFORMED', ''],
  ['a number', 17, 'MESSAGE_MALFORMED', ''],
  ['an array', [good], 'MESSAGE_MALFORMED', ''],
  ['parameters as text', { ...good, p: 'a=b' }, 'MESSAGE_MALFORMED', 'p'],
  ['an unknown type', { ...good, tp: 'zz' }, 'TYPE_UNKNOWN', 'tp'],
  ['no type', { ...good, tp: undefined }, 'TYPE_UNKNOWN', 'tp'],
  ['no flags', { ...good, f: undefined }, 'MESSAGE_MALFORMED', 'f'],
  ['the position bit without a position', { ...good, pos: null }, 'POSITION_INVALID', 'pos'],
  ['a position without its bit', { ...good, f: 2 }, 'POSITION_INVALID', 'pos'],
  ['speed as text', { ...good, pos: { ...good.pos, s: '64' } }, 'POSITION_INVALID', 'pos.s'],
];

for (const [title, message, code, path] of malformed) {
  test(`a message with ${title} is refused as ${code} and its neighbours pass`, () => {
    const result = messages([good, message, { ...good, t: good.t + 1 }]);
    assert.equal(result.events.length, 2);
    const rejection = result.rejections[0];
    assert.equal(result.rejections.length, 1);
    assert.equal(rejection?.code, code);
    assert.equal(rejection.kind, 'malformed');
    assert.equal(rejection.index, 1);
    assert.equal(rejection.unit, 'wialon:7001');
    assert.equal(rejection.violations[0]?.path, path);
    assert.equal(rejection.original?.toString(), JSON.stringify(message));
  });
}

test('every violation of an element is listed, not only the first', () => {
  const [rejection] = messages([{ ...good, t: 'x', pos: { y: 99, x: 'a', s: 'fast' } }]).rejections;
  assert.deepEqual(
    rejection?.violations.map((violation) => violation.path),
    ['t', 'pos.y', 'pos.x', 'pos.s'],
  );
});

test('the original keeps the bytes that a round trip would change', () => {
  const text = '[ {"t":1760000001,"tp":"ud","f":9007199254740993 , "pos":7} ]';
  assert.equal(
    messages(text).rejections[0]?.original?.toString(),
    '{"t":1760000001,"tp":"ud","f":9007199254740993 , "pos":7}',
  );
});

test('a refused message is one element whether it came live or from an interval', () => {
  const bad = { ...good, tp: 'zz' };
  const live = transformPage(
    pageOf({
      call: 'avl_evts',
      unit: null,
      body: Buffer.from(JSON.stringify({ tm: 1, events: [{ i: 7001, t: 'm', d: bad }] })),
    }),
    address,
  );
  const again = messages([bad]).rejections[0]?.elementId;
  assert.equal(live.rejections[0]?.elementId, again);
  const otherUnit = transformPage(
    pageOf({ unit: 'wialon:7002', body: Buffer.from(JSON.stringify([bad])) }),
    address,
  );
  assert.notEqual(otherUnit.rejections[0]?.elementId, again);
});

test('an interval as load_interval answers it and as get_messages pages it gives the same positions', () => {
  const whole = messages({ count: 1, messages: [good] }, 'messages/load_interval');
  assert.deepEqual(whole.events, messages([good]).events);
});

for (const [title, call, body] of [
  ['is no JSON', 'avl_evts', '<html>502</html>'],
  ['lacks its events', 'avl_evts', '{"tm":1}'],
  ['is an object instead of an array', 'resource/get_zone_data', '{"error":7}'],
] as const) {
  test(`a body that ${title} is refused as a whole`, () => {
    const result = messages(body, call);
    assert.equal(total(result), 1);
    assert.equal(result.rejections[0]?.index, -1);
    assert.equal(result.rejections[0]?.code, 'BODY_UNREADABLE');
  });
}

test('an answer that no adapter is registered for is refused, not ignored', () => {
  assert.equal(messages([], 'report/exec_report').rejections[0]?.code, 'CALL_UNKNOWN');
});

test('whatever a provider sends: nothing throws, each element is an event, a refusal or a counted skip, and each event keeps its contract', () => {
  const number = fc.oneof(fc.double(), fc.integer(), fc.constant(1_760_000_001));
  const loose = fc.oneof(number, fc.jsonValue({ maxDepth: 1 }));
  const message = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.record(
      {
        t: loose,
        f: fc.oneof(fc.constant(1), loose),
        tp: fc.oneof(fc.constantFrom('ud', 'us', 'evt', 'zz'), loose),
        pos: fc.oneof(
          fc.record(
            { y: loose, x: loose, z: loose, s: loose, c: loose, sc: loose },
            { requiredKeys: [] },
          ),
          loose,
        ),
        rt: loose,
        p: loose,
      },
      { requiredKeys: [] },
    ),
    fc.record({
      id: loose,
      cls: fc.oneof(fc.constant(2), loose),
      nm: loose,
      uid: loose,
      pflds: loose,
    }),
    fc.record({
      id: fc.nat(),
      rid: fc.nat(),
      t: fc.constantFrom(1, 2, 3),
      w: loose,
      p: fc.array(fc.record({ x: loose, y: loose })),
    }),
  );
  const calls = fc.constantFrom(
    'avl_evts',
    'messages/get_messages',
    'core/search_items',
    'resource/get_zone_data',
  );
  fc.assert(
    fc.property(calls, fc.array(message, { maxLength: 12 }), (call, elements) => {
      const body =
        call === 'avl_evts'
          ? { tm: 1, events: elements.map((d, i) => ({ i: i + 1, t: 'm', d })) }
          : call === 'core/search_items'
            ? { items: elements }
            : elements;
      const result = messages(body, call);
      assert.equal(total(result), elements.length);
      for (const event of result.events) {
        if (event.contract === 'PositionRecorded') {
          const contract = topics.position.contracts.PositionRecorded;
          assert.deepEqual(contract.violations(event.value), []);
          assert.doesNotThrow(() => contract.encode(event.value, 1));
        }
      }
    }),
    { numRuns: 2000 },
  );
});

test('no bytes at all make a transform throw', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.constantFrom('avl_evts', 'core/search_items'), (bytes, call) =>
      assert.doesNotThrow(() => transformPage(pageOf({ call, body: Buffer.from(bytes) }), address)),
    ),
  );
});
