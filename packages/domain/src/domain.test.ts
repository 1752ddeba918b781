import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  businessDate,
  businessDayOf,
  distanceM,
  fixId,
  fixPlace,
  hashId,
  localTime,
  parseInstant,
  round,
  zoneOffsetMs,
} from './index.ts';

test('a trip that ends 23:50 belongs to that day wherever the server stands', () => {
  const end = Date.parse('2015-12-10T04:50:00Z');
  assert.equal(businessDate(end, 'America/New_York'), '2015-12-09');
  assert.equal(businessDate(end, 'UTC'), '2015-12-10');
});

test('local time follows daylight saving on both sides of the change', () => {
  assert.equal(
    localTime(Date.parse('2015-03-08T06:59:59Z'), 'America/New_York'),
    '2015-03-08T01:59:59',
  );
  assert.equal(
    localTime(Date.parse('2015-03-08T07:00:00Z'), 'America/New_York'),
    '2015-03-08T03:00:00',
  );
});

test('midnight is hour 00 of the new day', () => {
  assert.equal(
    localTime(Date.parse('2008-05-20T07:00:00Z'), 'America/Los_Angeles'),
    '2008-05-20T00:00:00',
  );
});

test('the offset undoes local time at any instant', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4_000_000_000 }),
      fc.constantFrom('America/New_York', 'Asia/Kathmandu', 'Europe/Berlin', 'Pacific/Apia'),
      (second, zone) => {
        const instant = second * 1000;
        assert.equal(
          Date.parse(`${localTime(instant, zone)}Z`) - zoneOffsetMs(instant, zone),
          instant,
        );
      },
    ),
  );
});

test('an instant without an offset is refused, not guessed', () => {
  assert.equal(parseInstant('2015-12-10T04:50:00'), undefined);
  assert.equal(parseInstant('2015-12-10T04:50:00+02:00'), Date.parse('2015-12-10T02:50:00Z'));
  assert.equal(parseInstant('yesterdayZ'), undefined);
});

test('a degree of latitude is 111.19 km on the sphere of 6,371 km', () => {
  const metres = distanceM({ latitude: 37, longitude: -122 }, { latitude: 38, longitude: -122 });
  assert.ok(Math.abs(metres - 111_194.9) < 0.1, String(metres));
});

test('distance is symmetric, never negative, zero on the spot', () => {
  const coordinate = fc.record({
    latitude: fc.double({ min: -90, max: 90, noNaN: true }),
    longitude: fc.double({ min: -180, max: 180, noNaN: true }),
  });
  fc.assert(
    fc.property(coordinate, coordinate, (a, b) => {
      assert.ok(Math.abs(distanceM(a, b) - distanceM(b, a)) < 1e-6);
      assert.ok(distanceM(a, b) >= 0);
      assert.equal(distanceM(a, a), 0);
    }),
  );
});

test('parts of an identity cannot run into each other', () => {
  assert.notEqual(hashId('ab', 'c'), hashId('a', 'bc'));
  assert.match(hashId('x', 1), /^[0-9a-f]{32}$/);
});

test('a fix is the same within its second and 1e-5 degree, and another beyond', () => {
  const fix = {
    tenantId: 'a',
    unit: 'wialon:1',
    eventTime: 5_000,
    latitude: 37.12345,
    longitude: -122.5,
  };
  assert.equal(fixId(fix), fixId({ ...fix, eventTime: 5_999, latitude: 37.123451 }));
  assert.notEqual(fixId(fix), fixId({ ...fix, eventTime: 6_000 }));
  assert.notEqual(fixId(fix), fixId({ ...fix, latitude: 37.12347 }));
  assert.notEqual(fixId(fix), fixId({ ...fix, unit: 'wialon:2' }));
});

test('rounding is half away from zero where binary fractions fool Math.round', () => {
  assert.equal(round(1.005, 2), 1.01);
  assert.equal(round(-1.005, 2), -1.01);
  assert.equal(round(17.331, 2), 17.33);
  assert.equal(round(1e-7, 2), 0);
  // A column of floats may add up to this; zero has no sign.
  assert.ok(Object.is(round(-1e-14, 2), 0));
});

test('a business day begins and ends at local midnight, with 23 or 25 hours when clocks change', () => {
  const hours = (instant: string, zone: string): readonly [string, string, number] => {
    const { date, from, to } = businessDayOf(Date.parse(instant), zone);
    assert.equal(businessDate(from, zone), date);
    assert.equal(businessDate(to - 1, zone), date);
    assert.notEqual(businessDate(to, zone), date);
    return [date, new Date(from).toISOString(), (to - from) / 3_600_000];
  };
  const zone = 'America/New_York';
  assert.deepEqual(hours('2026-03-08T12:00:00Z', zone), [
    '2026-03-08',
    '2026-03-08T05:00:00.000Z',
    23,
  ]);
  assert.deepEqual(hours('2026-11-01T12:00:00Z', zone), [
    '2026-11-01',
    '2026-11-01T04:00:00.000Z',
    25,
  ]);
  // The same instant is another day elsewhere, whoever asked before.
  assert.equal(hours('2026-06-02T02:00:00Z', zone)[0], '2026-06-01');
  assert.equal(hours('2026-06-02T02:00:00Z', 'UTC')[0], '2026-06-02');
  assert.deepEqual(hours('2026-06-01T03:59:59Z', zone), [
    '2026-05-31',
    '2026-05-31T04:00:00.000Z',
    24,
  ]);
});

test('a fix has one identity in degrees of seven decimals and in the minutes of Wialon IPS', () => {
  const asIps = (degrees: number): number =>
    (Math.sign(degrees) * Math.round(Math.abs(degrees) * 600_000)) / 600_000;
  let plain = 0;
  for (let step = 0; step < 20_000; step += 1) {
    const degrees = -30 + step * 0.003_141_592_7;
    assert.equal(fixPlace(degrees), fixPlace(asIps(degrees)), String(degrees));
    if (Math.round(degrees * 1e5) !== Math.round(asIps(degrees) * 1e5)) plain += 1;
  }
  assert.ok(plain > 400, `without the grid some ${plain} of 20,000 would be other fixes`);
  assert.equal(fixPlace(-0.5), -50_000);
});
