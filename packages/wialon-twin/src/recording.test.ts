import assert from 'node:assert/strict';
import { test } from 'node:test';
import { convert } from './import-tracks.ts';
import { derivedDelay, readRecording, registrationsOf, unitIdsOf } from './recording.ts';
import { readScenario, windowOf } from './scenario.ts';
import { readZones } from './zones.ts';

const scenario = readScenario('demo');
const [bay, hudson] = scenario.accounts;
const cabs = readRecording('sf-cabs');
const trucks = readRecording('jersey-city-trucks');

test('the import keeps rows and digits and turns instants into epoch seconds', () => {
  const csv = 'vehicle_id,time_utc,lat,lon\nA-1,2008-05-17T14:12:10Z,37.75153,-122.394\n';
  assert.equal(
    convert(csv, [
      ['vehicle_id', 'vehicle_id', 'text'],
      ['t', 'time_utc', 'instant'],
      ['lon', 'lon', 'text'],
    ]),
    'vehicle_id,t,lon\nA-1,1211033530,-122.394\n',
  );
  assert.throws(() => convert(csv, [['rt', 'first_polled_utc', 'instant']]), /first_polled_utc/);
});

test('the shipped tracks have every row of the data sets, in order', () => {
  assert.equal(cabs.size, 70_128);
  assert.equal(trucks.size, 5974);
  assert.deepEqual(trucks.fix(0), {
    row: 0,
    vehicleId: '101',
    t: 1_449_522_903,
    lat: 40.68778,
    lon: -74.09227,
    rt: 1_449_718_802,
  });
});

test('unit ids ascend with the vehicle ids as texts', () => {
  assert.ok(bay && hudson);
  assert.deepEqual(
    [...unitIdsOf(bay, cabs)],
    [
      ['abboip', 7001],
      ['aiwalb', 7002],
      ['akgicjud', 7003],
    ],
  );
  const units = unitIdsOf(hudson, trucks);
  assert.equal(units.size, 68);
  assert.equal(units.get('101'), 8001);
  assert.deepEqual([...units.keys()], [...units.keys()].sort());
});

test('a derived registration is 2 to 10 s late, a recorded one is taken as it is', () => {
  assert.ok(bay && hudson);
  for (const { unitId, t, rt } of registrationsOf(scenario, bay, cabs)) {
    assert.equal(rt - t, 2 + ((t * 7919 + unitId * 104_729) % 9));
    assert.ok(derivedDelay(t, unitId) >= 2 && derivedDelay(t, unitId) <= 10);
  }
  for (const { row, rt } of registrationsOf(scenario, hudson, trucks)) {
    assert.equal(rt, trucks.fix(row).rt);
  }
});

test('fixes before the history are served only where their registration is recorded', () => {
  assert.ok(bay && hudson);
  const { historyFrom, cut } = windowOf(scenario, bay);
  const served = registrationsOf(scenario, bay, cabs);
  assert.ok(served.every(({ t, rt }) => t >= historyFrom && rt <= cut));
  const old = registrationsOf(scenario, hudson, trucks).filter(
    ({ t }) => t < windowOf(scenario, hudson).historyFrom,
  );
  assert.equal(old.length, 91);
});

test('every site is a polygon with its own id and no repeated closing point', () => {
  for (const [dataset, ids] of [
    ['sf-cabs', [1, 2, 3, 4, 5, 6]],
    ['jersey-city-trucks', [1, 2, 3, 4]],
  ] as const) {
    const zones = readZones(dataset);
    assert.deepEqual(
      zones.map(({ id }) => id),
      ids,
    );
    for (const { points } of zones) {
      assert.ok(points.length >= 3);
      assert.notDeepEqual(points[0], points.at(-1));
    }
  }
});
