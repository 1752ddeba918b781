import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSettings } from './wialon-settings.ts';

test('a unit tells its sensors with calibration, its trip settings and its maintenance intervals', () => {
  const settings = readSettings({
    mu: 0,
    cfl: 275,
    hw: 9,
    sens: {
      2: { id: 2, n: 'Ignition', t: 'engine operation', m: 'On/Off', p: 'in1', f: 1, c: '{}' },
      1: {
        id: 1,
        n: 'Tank',
        t: 'fuel level',
        m: 'l',
        p: 'can_fls',
        f: 0x40,
        c: '{"lower_bound":-5,"upper_bound":"4096"}',
        vt: 1,
        vs: 2,
        tbl: [
          { x: 100, a: 0.2, b: 1 },
          { x: 0, a: 0.1, b: 0 },
          { x: 'a', a: 1, b: 1 },
        ],
      },
    },
    rtd: { type: 3, gpsCorrection: 1, minSat: 4, minMovingSpeed: 2, minStayTime: 300 },
    si: {
      1: { id: 1, n: 'Oil', im: 10_000, it: 180, ie: 0, pm: 115_000, pt: 1_750_000_000, c: 3 },
    },
  });
  assert.deepEqual(settings.sensors[0], {
    sensor_id: 1,
    name: 'Tank',
    sensor_type: 'fuel level',
    metric: 'l',
    parameter: 'can_fls',
    flags: 0x40,
    lower_bound: -5,
    upper_bound: 4096,
    validation_type: 1,
    validator_id: 2,
    calibration: [
      { x: 0, a: 0.1, b: 0 },
      { x: 100, a: 0.2, b: 1 },
    ],
  });
  assert.equal(settings.sensors[1]?.name, 'Ignition');
  assert.equal(settings.trip_detector?.detector, 3);
  assert.equal(settings.trip_detector?.gps_correction, true);
  assert.equal(settings.service_intervals[0]?.last_time, 1_750_000_000_000);
  assert.deepEqual(
    [settings.measure_system, settings.counter_flags, settings.hardware_id],
    [0, 275, 9],
  );
});

test('settings of a wrong type are left out and cost nothing else', () => {
  const settings = readSettings({
    mu: 'x',
    sens: { 1: null, 2: { id: 'b' }, 3: { id: 3, c: 'no json', tbl: 'none', f: 1.5 } },
    rtd: [],
    si: 7,
  });
  assert.equal(settings.sensors.length, 1);
  assert.deepEqual(settings.sensors[0]?.calibration, []);
  assert.equal(settings.sensors[0]?.flags, 0);
  assert.deepEqual(settings.service_intervals, []);
  assert.equal(settings.measure_system, null);
});
