import assert from 'node:assert/strict';
import { test } from 'node:test';
import { amendedOf } from './amendments.ts';
import { instantText, localDate, secondOf } from './calendar.ts';
import { type Fact, factsOf } from './erp-rows.ts';
import { type Fix, identityOf, judge, timelines, withoutRepeats } from './fixes.ts';
import { isInside, metresBetween } from './geometry.ts';
import { IdMap } from './id-map.ts';
import { tripsOf } from './trips.ts';
import { crossings, visitsOf } from './visits.ts';

const HOUR = 3600;
const DAY = 86_400;
const square = {
  id: 'z',
  ring: [
    { lat: -1, lon: -1 },
    { lat: -1, lon: 1 },
    { lat: 1, lon: 1 },
    { lat: 1, lon: -1 },
  ],
};

function fix(t: number, lat: number, rt = t): Fix {
  return { unit: 'wialon:1', t, lat, lon: 0, rt };
}

/** A fix a minute; each number is how many 0.001° (111 m) the unit moved north since the one before. */
function drive(...moves: number[]): Fix[] {
  let lat = 0;
  return moves.map((move, i) => fix(i * 60, (lat += move / 1000)));
}

test('a degree of latitude is 111.19 km on the sphere of 6,371 km', () => {
  const metres = metresBetween({ lat: 37, lon: -122 }, { lat: 38, lon: -122 });
  assert.ok(Math.abs(metres - 111_194.93) < 0.01, String(metres));
});

test('even-odd counts the ring whether or not it repeats its first point', () => {
  const closed = [...square.ring, ...square.ring.slice(0, 1)];
  for (const ring of [square.ring, closed]) {
    assert.equal(isInside({ lat: 0, lon: 0 }, ring), true);
    assert.equal(isInside({ lat: 0, lon: 2 }, ring), false);
    assert.equal(isInside({ lat: 2, lon: 0 }, ring), false);
  }
});

test('a trip starts at the fix before the first moving one and ends at the last moving one', () => {
  const line = drive(0, 0, 3, 3, 0, 3, 0, 0, 0, 0, 0, 0);
  const [trip, ...others] = tripsOf(line, 0);
  assert.deepEqual(others, []);
  assert.deepEqual([trip?.start, trip?.end, trip?.fixes], [60, 300, 5]);
  assert.equal(Math.round(trip?.metres ?? 0), 1001);
});

test('a stay of 300 s between moving fixes makes two trips, of 299 s one', () => {
  const leg = [fix(0, 0), fix(60, 0.01)];
  const two = [...leg, fix(300, 0.01), fix(360, 0.02)];
  const one = [...leg, fix(300, 0.01), fix(359, 0.02)];
  assert.equal(tripsOf(two, Infinity).length, 2);
  assert.equal(tripsOf(one, Infinity).length, 1);
});

test('a step of 300 s or more is no movement', () => {
  assert.deepEqual(tripsOf([fix(0, 0), fix(300, 1)], Infinity), []);
  assert.equal(tripsOf([fix(0, 0), fix(299, 1)], Infinity).length, 1);
});

test('under 500 m there is no trip', () => {
  assert.deepEqual(tripsOf(drive(0, 4.4), Infinity), []);
  assert.equal(tripsOf(drive(0, 4.6), Infinity).length, 1);
});

test('a trip closes by a fix 300 s after its end, or by 600 s of silence', () => {
  const line = drive(0, 10);
  assert.deepEqual(tripsOf(line, 60 + 599), []);
  assert.equal(tripsOf(line, 60 + 600).length, 1);
  assert.deepEqual(tripsOf([...line, fix(60 + 299, 0.01)], 0), []);
  assert.equal(tripsOf([...line, fix(60 + 300, 0.01)], 0).length, 1);
});

test('a visit begins and ends with the first of two fixes in a row', () => {
  const line = [2, 0, 2, 0, 0, 2, 0, 2, 2].map((lat, i) => fix(i, lat));
  assert.deepEqual(visitsOf(line, square, 0), [
    { unit: 'wialon:1', zone: 'z', entered: 3, left: 7 },
  ]);
});

test('a unit first seen inside has no visit until it has left and come back', () => {
  const line = [0, 0, 2, 2, 0, 0].map((lat, i) => fix(i, lat));
  assert.deepEqual(
    visitsOf(line, square, 0).map(({ entered, left }) => [entered, left]),
    [[4, null]],
  );
});

test('after over 5 days of silence a visit ends at its last fix and the state is forgotten', () => {
  const line = [fix(0, 2), fix(1, 0), fix(2, 0)];
  const back = [...line, fix(2 + 5 * DAY + 1, 0), fix(3 + 5 * DAY + 1, 0)];
  const [lost] = crossings(back, square, 2, 0).filter((crossing) => crossing.lost);
  assert.deepEqual(lost, { inside: false, t: 2, lost: true });
  assert.equal(visitsOf(back, square, 0).length, 1);
  assert.equal(visitsOf(line, square, 2 + 5 * DAY)[0]?.left, null);
  assert.equal(visitsOf(line, square, 2 + 5 * DAY + 1)[0]?.left, 2);
});

test('what a fix is judged by is registration minus device time, borders included', () => {
  const verdict = (lateness: number): string => judge(fix(0, 0, lateness), 6 * HOUR);
  assert.equal(verdict(-121), 'future');
  assert.equal(verdict(-120), 'accepted');
  assert.equal(verdict(6 * HOUR), 'accepted');
  assert.equal(verdict(6 * HOUR + 1), 'beyond_grace');
  assert.equal(verdict(400 * DAY), 'beyond_grace');
  assert.equal(verdict(400 * DAY + 1), 'ancient');
});

test('a fix is the same within its second and 1e-5 degree; its earliest registration counts', () => {
  const same = [fix(7, 1, 50), fix(7, 1.000001, 40), fix(7.9, 1, 60), fix(7, 1.00002, 45)];
  const distinct = withoutRepeats('a', same).map((found) => found.fix.rt);
  assert.deepEqual(new Set(distinct), new Set([40, 45]));
  assert.equal(distinct.length, 2);
  assert.notEqual(identityOf('a', fix(7, 1)), identityOf('b', fix(7, 1)));
  assert.match(identityOf('a', fix(7, 1)), /^[0-9a-f]{32}$/);
});

test('of different fixes in one second the first registered counts, then the northern one', () => {
  const other = fix(7, 2, 30);
  const earlier = timelines(withoutRepeats('a', [fix(7, 1, 31), other]));
  assert.deepEqual(earlier.get('wialon:1'), [other]);
  const tied = withoutRepeats('a', [fix(7, 1, 30), other]);
  assert.deepEqual(timelines(tied).get('wialon:1'), [other]);
  assert.deepEqual(timelines(tied.toReversed()).get('wialon:1'), [other]);
});

test('23:50 in New York belongs to that day, whatever the day in UTC', () => {
  assert.equal(localDate(secondOf('2015-12-10T04:50:00Z'), 'America/New_York'), '2015-12-09');
  assert.equal(localDate(secondOf('2015-12-10T05:00:00Z'), 'America/New_York'), '2015-12-10');
  assert.equal(instantText(secondOf('2015-12-10T05:00:00+01:00')), '2015-12-10T04:00:00Z');
  assert.throws(() => secondOf('2015-12-10T04:50:00'));
});

test('an id holds from its start up to, and not including, its end', () => {
  const noon = '2015-12-10T12:00:00Z';
  const ids = new IdMap([
    { entity: 'vehicle', telematics_id: 'u', erp_id: 'OLD', valid_from: '', valid_to: noon },
    { entity: 'vehicle', telematics_id: 'u', erp_id: 'NEW', valid_from: noon, valid_to: '' },
  ]);
  assert.equal(ids.resolve('vehicle', 'u', secondOf(noon) - 1), 'OLD');
  assert.equal(ids.resolve('vehicle', 'u', secondOf(noon)), 'NEW');
  assert.equal(ids.resolve('site', 'u', 0), undefined);
  ids.addForever('site', 'u', 'S');
  assert.equal(ids.resolve('site', 'u', 0), 'S');
});

test('a trip over the change of a tracker goes to the truck of its end, a visit to that of its entry', () => {
  const noon = '1970-01-01T00:01:00Z';
  const ids = new IdMap([
    { entity: 'vehicle', telematics_id: 'wialon:1', erp_id: 'OLD', valid_from: '', valid_to: noon },
    { entity: 'vehicle', telematics_id: 'wialon:1', erp_id: 'NEW', valid_from: noon, valid_to: '' },
    { entity: 'site', telematics_id: 'z', erp_id: 'S', valid_from: '', valid_to: '' },
  ]);
  const company = { zone: 'America/New_York', sites: [square], ids };
  const line = [fix(0, 2), fix(30, 1.1), fix(58, 0.99), fix(59, 0.98), fix(90, 1.2), fix(120, 1.3)];
  const { trips, visits } = factsOf(company, withoutRepeats('a', line), Infinity);
  assert.deepEqual(
    trips.map(({ row }) => [row?.vehicle_id, row?.duration_s, row?.business_date]),
    [['NEW', 120, '1969-12-31']],
  );
  assert.deepEqual(
    visits.map(({ row }) => [row?.vehicle_id, row?.site_id, row?.dwell_s, row?.left_time]),
    [['OLD', 'S', 32, '1970-01-01T00:01:30Z']],
  );
});

interface Row {
  readonly business_date: string;
  readonly km: number;
}

function fact(from: number, to: number, km?: number, date = 'monday'): Fact<Row> {
  return { lane: 'u', from, to, row: km === undefined ? undefined : { business_date: date, km } };
}

test('a closed day is amended by what came, changed and went, and by nothing else', () => {
  const before = [fact(0, 10, 1), fact(20, 30, 2), fact(40, 50, 3), fact(60, 70)];
  const after = [fact(0, 10, 1), fact(20, 35, 2.5), fact(60, 70, 4), fact(80, 90, 5)];
  const open = fact(100, 110, 6, 'tuesday');
  const found = amendedOf('monday', before, [...after, open]);
  assert.deepEqual(
    found.map(({ kind, before: b, after: a }) => [kind, b?.km, a?.km]),
    [
      ['correction', 2, 2.5],
      ['reversal', 3, undefined],
      ['addition', undefined, 4],
      ['addition', undefined, 5],
    ],
  );
});

test('of two continuations the one with the greater overlap is the same fact', () => {
  const found = amendedOf('monday', [fact(0, 100, 1)], [fact(0, 30, 2), fact(40, 100, 3)]);
  assert.deepEqual(
    found.map(({ kind, after }) => [kind, after?.km]),
    [
      ['correction', 3],
      ['addition', 2],
    ],
  );
});
