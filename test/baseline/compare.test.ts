import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareBaseline, type ScriptTrip, type WantedTrip } from './compare.ts';

function wanted(start: string, end: string, vehicle = 'TRK-E-8', date = '2015-12-09'): WantedTrip {
  const instant = (time: string): string => `2015-12-10T${time}:00Z`;
  return {
    vehicle_id: vehicle,
    start_time: instant(start),
    end_time: instant(end),
    business_date: date,
  };
}

function row(start: string, end: string, vehicle = 'E-8', businessDate = '2015-12-09'): ScriptTrip {
  const instant = (time: string): number => Date.parse(`2015-12-10T${time}:00Z`);
  return { vehicle, start: instant(start), end: instant(end), businessDate };
}

const trips = [wanted('04:00', '04:30'), wanted('05:00', '05:40')];

test('rows that match are neither lost nor doubled nor misdated, minutes at the borders aside', () => {
  const rows = [row('04:02', '04:30'), row('05:00', '05:35')];
  assert.deepEqual(compareBaseline(rows, trips), { rows: 2, lost: 0, doubled: 0, misdated: 0 });
});

test('a trip without a row, of another vehicle, or covered by less than half is lost', () => {
  assert.equal(compareBaseline([], trips).lost, 2);
  assert.equal(compareBaseline([row('04:00', '04:30', 'E-9')], trips).lost, 2);
  assert.equal(compareBaseline([row('04:00', '04:14')], trips).lost, 2);
  assert.equal(compareBaseline([row('04:00', '04:15')], trips).lost, 1);
});

test('a second row of the same trip is doubled, and does not make up for time that is missing', () => {
  const twice = [row('04:00', '04:10'), row('04:00', '04:10')];
  assert.deepEqual(compareBaseline(twice, trips), { rows: 2, lost: 2, doubled: 1, misdated: 0 });
  const pieces = [row('04:00', '04:10'), row('04:15', '04:30')];
  assert.deepEqual(compareBaseline(pieces, trips), { rows: 2, lost: 1, doubled: 1, misdated: 0 });
});

test('a trip on the wrong day is misdated, one that is lost is not', () => {
  const late = [
    row('04:00', '04:30', 'E-8', '2015-12-10'),
    row('05:00', '05:05', 'E-8', '2015-12-10'),
  ];
  assert.deepEqual(compareBaseline(late, trips), { rows: 2, lost: 1, doubled: 0, misdated: 1 });
});
