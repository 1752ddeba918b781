import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topics } from '@waybill/contracts';
import * as fc from 'fast-check';
import { checkEnvelope, EVENT } from './envelope.ts';

const good = {
  event: EVENT,
  id: 'evt_123',
  data: { trip_id: 'T-9001', status: 'arrived', site_id: 'CUST-77', ts: '2025-10-29T14:01:00Z' },
};

function check(value: unknown): ReturnType<typeof checkEnvelope> {
  return checkEnvelope(Buffer.from(JSON.stringify(value)));
}

function paths(value: unknown): string[] {
  const result = check(value);
  assert.equal(result.kind, 'refused');
  assert.equal(result.code, 'EVENT_INVALID');
  return (result.violations ?? []).map((violation) => violation.path);
}

test('the published sample is valid, as are an absent or null site and further fields', () => {
  assert.deepEqual(check(good), { kind: 'valid', id: 'evt_123' });
  const { site_id: _site, ...siteless } = good.data;
  assert.equal(check({ ...good, data: siteless }).kind, 'valid');
  assert.equal(check({ ...good, data: { ...good.data, site_id: null, eta: 5 } }).kind, 'valid');
});

test('every violation is listed with path, what was expected and what was found', () => {
  const result = check({ event: 'trip.done', data: { trip_id: '', status: 'gone', site_id: 7 } });
  assert.equal(result.kind, 'refused');
  assert.deepEqual(result.violations, [
    { path: 'event', message: 'expected trip.status.changed, found "trip.done"' },
    { path: 'id', message: 'expected text of 1 to 255 characters, found nothing' },
    { path: 'data.trip_id', message: 'expected 1 to 64 letters, digits, . _ -, found ""' },
    {
      path: 'data.status',
      message:
        'expected one of planned, started, arrived, departed, completed, cancelled, found "gone"',
    },
    { path: 'data.site_id', message: 'expected text or null, found 7' },
    {
      path: 'data.ts',
      message:
        'expected an ISO 8601 instant with its offset, or seconds or ms since 1970, found nothing',
    },
  ]);
});

test('what is no object is one violation', () => {
  for (const value of [null, 5, 'text', [good]]) assert.deepEqual(paths(value), ['']);
  for (const data of [null, 5, [good.data], undefined]) {
    assert.deepEqual(paths({ ...good, data }), ['data']);
  }
});

test('a time needs its offset or a plausible count', () => {
  const withTime = (ts: unknown): unknown => ({ ...good, data: { ...good.data, ts } });
  for (const ts of ['2025-10-29T14:01:00+04:00', 1_761_746_460, 1_761_746_460_000, '1761746460']) {
    assert.equal(check(withTime(ts)).kind, 'valid', String(ts));
  }
  for (const ts of ['2025-10-29T14:01:00', 'today', '', -5, 0, 1e15, '1969-01-01T00:00:00Z', {}]) {
    assert.deepEqual(paths(withTime(ts)), ['data.ts'], JSON.stringify(ts));
  }
});

test('bytes that are no JSON, or no UTF-8, are malformed', () => {
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.from('{"event"'),
    Buffer.from('“event”'),
    Buffer.from([0x22, 0xff, 0x22]),
  ]) {
    assert.deepEqual(checkEnvelope(bytes), { kind: 'refused', code: 'BODY_MALFORMED' });
  }
});

test('whatever bytes arrive, there is a verdict', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.ok(checkEnvelope(bytes).kind);
    }),
  );
  fc.assert(
    fc.property(fc.json(), (text) => {
      assert.ok(checkEnvelope(Buffer.from(text)).kind);
    }),
  );
});

test('a trip id that passes the door keeps the contract of the event', () => {
  const contract = topics.tripStatus.contracts.TripStatusChanged;
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ maxLength: 70 }), fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/)),
      (trip_id) => {
        const passes = check({ ...good, data: { ...good.data, trip_id } }).kind === 'valid';
        const kept = !contract
          .violations({ trip_id })
          .some((violation) => violation.path === 'trip_id');
        // violations() lists type errors first; a lone trip_id is a well-typed text, so compare patterns.
        const pattern = /^[A-Za-z0-9._-]{1,64}$/.test(trip_id);
        assert.equal(passes, pattern);
        assert.ok(!passes || kept);
      },
    ),
  );
});
