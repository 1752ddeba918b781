import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { instantText, secondOf } from './calendar.ts';
import { type Expectation, expect } from './expect.ts';
import { readCsv, readSites, readTrack, type Trouble, type TrackRow } from './files.ts';
import { type Fix, timelines } from './fixes.ts';
import { tripsOf } from './trips.ts';
import { crossings } from './visits.ts';

const tracks = new URL('../../packages/wialon-twin/tracks', import.meta.url).pathname;
const tenants = new URL('../../deploy/tenants', import.meta.url).pathname;
const demo = new URL('../../packages/wialon-twin/scenarios/demo.json', import.meta.url).pathname;
const reference = new URL('reference/', import.meta.url).pathname;

const scratch = mkdtempSync(join(tmpdir(), 'waybill-expectation-'));
after(() => rmSync(scratch, { recursive: true }));

type Order = (a: TrackRow, b: TrackRow) => number;

/** A whole track without a window; of the rows of one second the first in `order` counts. */
function plainTimelines(track: string, order: Order = () => 0): Map<string, Fix[]> {
  const rows = readTrack(tracks, track).toSorted(order);
  const identified = rows.map(({ vehicle, t, lat, lon }, rank) => ({
    id: String(rank),
    fix: { unit: vehicle, t, lat, lon, rt: rank },
  }));
  return timelines(identified);
}

for (const { track, trips, site } of [
  { track: 'sf-cabs', trips: 983, site: 'sf-site' },
  { track: 'jersey-city-trucks', trips: 333, site: 'jc-site' },
]) {
  test(`${track}: the ${trips} reference trips are reproduced, times to the second`, () => {
    const expected = readCsv(`${reference}${track}-trips.csv.gz`);
    assert.equal(expected.length, trips);
    const found = [...plainTimelines(track).values()].flatMap((line) => tripsOf(line, Infinity));
    const key = (vehicle: string, start: string, end: string, fixes: string): string =>
      [vehicle, start, end, fixes].join();
    const metresOf = new Map(
      found.map(({ unit, start, end, fixes, metres }) => [
        key(unit, instantText(start), instantText(end), String(fixes)),
        metres,
      ]),
    );
    const expectedOf = new Map(
      expected.map(({ vehicle_id = '', start_utc = '', end_utc = '', fixes = '', distance_m }) => [
        key(vehicle_id, start_utc, end_utc, fixes),
        Number(distance_m),
      ]),
    );
    assert.deepEqual([...metresOf.keys()].sort(), [...expectedOf.keys()].sort());
    for (const [trip, metres] of expectedOf) {
      const difference = Math.abs((metresOf.get(trip) ?? NaN) - metres);
      assert.ok(difference <= 10, `${trip}: ${difference} m off`);
    }
  });

  test(`${track}: the reference site events are reproduced without confirmation`, () => {
    const expected = readCsv(`${reference}site-events.csv.gz`)
      .filter((row) => row['dataset'] === track)
      .map((row) => [row['vehicle_id'], row['geofence_id'], row['event'], row['time_utc']].join());
    // Which row of one second the reference keeps: see its README.
    const lines = plainTimelines(track, (a, b) => a.lat - b.lat || a.lon - b.lon);
    const found = [...lines.values()].flatMap((line) =>
      readSites(tracks, track).flatMap(({ number, ring }) =>
        crossings(line, { id: '', ring }, 1, 0)
          .filter(({ lost }) => !lost)
          .map(({ inside, t }) => {
            const event = inside ? 'enter' : 'exit';
            return [line[0]?.unit, `${site}-${number}`, event, instantText(t)].join();
          }),
      ),
    );
    assert.ok(expected.length >= 200);
    assert.deepEqual(found.sort(), expected.sort());
  });
}

function expectWith(operations: readonly Trouble[]): Expectation {
  const file = join(scratch, 'trouble.json');
  writeFileSync(file, JSON.stringify({ seed: 1, scenario: 'demo', operations }));
  return expect(demo, file, tenants);
}

function hashes(expectation: Expectation): string[] {
  return Object.values(expectation.tenants).map(({ sha256 }) => sha256);
}

const plain = expectWith([]);
const jersey = readTrack(tracks, 'jersey-city-trucks');
const held = jersey.flatMap(({ vehicle, t }, row) =>
  vehicle === 'E-8' &&
  t >= secondOf('2015-12-10T04:39:26Z') &&
  t <= secondOf('2015-12-10T04:49:39Z')
    ? [row]
    : [],
);

test('without trouble the trips of the demo are reference trips, but for those the window cuts', () => {
  for (const [tenant, track, prefix, from, cut] of [
    ['bay-cabs', 'sf-cabs', 'CAB-', '2008-05-20T07:00:00Z', '2008-05-21T20:44:00Z'],
    ['hudson-waste', 'jersey-city-trucks', 'TRK-', '2015-12-09T21:39:00Z', '2015-12-11T05:24:00Z'],
  ] as const) {
    const known = new Set(
      readCsv(`${reference}${track}-trips.csv.gz`).map((row) =>
        [`${prefix}${row['vehicle_id']}`, row['start_utc'], row['end_utc']].join(),
      ),
    );
    const rows = plain.tenants[tenant]?.trips ?? [];
    const uncut = rows.filter(
      ({ vehicle_id, start_time, end_time }) =>
        vehicle_id !== 'TRK-SPARE-1' &&
        secondOf(start_time) - secondOf(from) > 300 &&
        secondOf(cut) - secondOf(end_time) > 300,
    );
    const others = uncut.filter(
      (row) => !known.has([row.vehicle_id, row.start_time, row.end_time].join()),
    );
    assert.ok(uncut.length > 25, String(uncut.length));
    assert.deepEqual(others, []);
  }
});

test('the counts of the demo without trouble add up', () => {
  const { counts } = plain;
  assert.equal(counts.repeats, 0);
  assert.equal(counts.distinct, counts.registered);
  const judged = counts.accepted + counts.beyond_grace + counts.future + counts.ancient;
  assert.equal(judged, counts.distinct);
  assert.ok(counts.ancient > 0 && counts.tasks > 0 && counts.tasks <= counts.beyond_grace);
});

test('the tracker that moved to another truck gives its trips to each truck by their end', () => {
  const { trips = [] } = plain.tenants['hudson-waste'] ?? {};
  const moved = '2015-12-10T13:00:00Z';
  const before = trips.filter(({ vehicle_id }) => vehicle_id === 'TRK-S-9');
  const after = trips.filter(({ vehicle_id }) => vehicle_id === 'TRK-SPARE-1');
  assert.ok(before.length > 0 && before.every(({ end_time }) => end_time < moved));
  assert.ok(after.length > 0 && after.every(({ end_time }) => end_time >= moved));
});

test('the unit that was mapped in mid-run has its rows, and they were parked', () => {
  const { trips = [], counts } = plain.tenants['hudson-waste'] ?? {};
  assert.ok(trips.some(({ vehicle_id }) => vehicle_id === 'TRK-E-5'));
  assert.ok((counts?.parked ?? 0) > 0);
  assert.equal(counts?.unmapped, 0);
});

test('late, held back and repeated messages change no row', () => {
  const repeats = jersey
    .map(({ t, rt = 0 }, row) => ({ t, rt: rt + 600, row }))
    .filter(({ t, rt }) => rt - t < 5 * 3600)
    .filter((_, i) => i % 17 === 0)
    .map(({ row, rt }): Trouble => ({ op: 'repeat', account: 'hudson-waste', row, rt }));
  const arrives = secondOf('2015-12-10T06:15:00Z');
  const late = held.map((row): Trouble => ({
    op: 'held_back',
    account: 'hudson-waste',
    row,
    rt: arrives,
  }));
  const troubled = expectWith([...repeats, ...late]);
  assert.deepEqual(hashes(troubled), hashes(plain));
  const { counts } = troubled;
  assert.ok(counts.repeats > 250 && counts.repeats <= repeats.length);
  assert.equal(counts.distinct, plain.counts.distinct);
  assert.equal(counts.late, held.length);
});

test('the trip that ended 23:49 and arrived after the close is an addition to the earlier day', () => {
  const arrives = secondOf('2015-12-10T06:15:00Z');
  const { tenants: found } = expectWith(
    held.map((row) => ({ op: 'held_back', account: 'hudson-waste', row, rt: arrives })),
  );
  const day = found['hudson-waste']?.amendments.find((a) => a.business_date === '2015-12-09');
  const additions = (day?.trips ?? []).filter(({ kind }) => kind === 'addition');
  assert.deepEqual(
    additions.map(({ after }) => [after?.vehicle_id, after?.end_time, after?.business_date]),
    [['TRK-E-8', '2015-12-10T04:49:39Z', '2015-12-09']],
  );
});

test('a fix beyond grace is not applied and makes one task per unit and day', () => {
  const beyond = held.map((row): Trouble => {
    const rt = (jersey[row]?.t ?? 0) + 8 * 3600;
    return { op: 'beyond', account: 'hudson-waste', row, rt };
  });
  const { counts, tenants: found } = expectWith(beyond);
  assert.equal(counts.beyond_grace, plain.counts.beyond_grace + held.length);
  assert.equal(counts.tasks, plain.counts.tasks + 1);
  const lost = found['hudson-waste']?.trips.some(
    ({ end_time }) => end_time === '2015-12-10T04:49:39Z',
  );
  assert.equal(lost, false);
});

test('messages registered after the cut, malformed and future ones touch no row', () => {
  const operations: Trouble[] = [
    { op: 'malformed', account: 'bay-cabs', rt: secondOf('2008-05-20T20:00:00Z') },
    { op: 'malformed', account: 'bay-cabs', rt: secondOf('2008-05-22T00:00:00Z') },
    { op: 'expire_session', account: 'bay-cabs' },
    {
      op: 'future',
      account: 'bay-cabs',
      unit: 7001,
      t: 4_070_908_800,
      lat: 37.7,
      lon: -122.4,
      rt: secondOf('2008-05-20T20:00:00Z'),
    },
  ];
  const { counts, ...rest } = expectWith(operations);
  assert.deepEqual(hashes({ counts, ...rest }), hashes(plain));
  assert.equal(counts.malformed, 1);
  assert.equal(counts.future, plain.counts.future + 1);
  assert.equal(counts.registered, plain.counts.registered + 2);
});
