import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { madeUpFleets } from './made-up.ts';
import { startTestTwin, type TestTwin } from './test-twin.ts';

/** Answers as they come: the assertions below are what checks their shape. */
type Json = ReturnType<typeof JSON.parse>;

const running: TestTwin[] = [];
after(() => Promise.all(running.map(({ twin }) => twin.close())));

const BASE = Date.parse('2025-01-06T00:00:00Z') / 1000;
const UNIT = 100_001;
const RESOURCE = 600;

/** A fleet of four, a message a minute, twelve hours after its start. */
async function fleet(): Promise<{
  twin: TestTwin;
  sid: string;
  ask: (svc: string, params?: object) => Promise<Json>;
}> {
  const scenario = madeUpFleets({
    accounts: ['fleet'],
    fleet: { units: 4, every_s: 60 },
    baseTime: new Date(BASE * 1000).toISOString(),
    durationS: 864_000,
    pushUrl: 'http://127.0.0.1:9/hook',
  });
  const twin = await startTestTwin({ scenario });
  running.push(twin);
  twin.runTo(12 * 3600);
  const sid = await twin.login('fleet');
  return { twin, sid, ask: (svc, params = {}) => twin.call(svc, params, sid) };
}

const item = async (ask: Awaited<ReturnType<typeof fleet>>['ask'], id: number, flags: number) =>
  (await ask('core/search_item', { id, flags })).item;
const day = { timeFrom: BASE, timeTo: BASE + 43_200 };

test('a unit carries sensors with calibration, settings, profile, counters and last parameters', async () => {
  const { ask } = await fleet();
  const unit = await item(ask, UNIT, 0x1000 + 0x2000 + 0x20000 + 0x100000 + 0x800000);
  const types = Object.values<Json>(unit.sens).map(({ t }) => t);
  assert.deepEqual(types, [
    'engine operation',
    'engine rpm',
    'fuel level',
    'mileage',
    'driver',
    'voltage',
  ]);
  const [low, high] = unit.sens[3].tbl;
  assert.ok(Math.abs(low.a * high.x + low.b - (high.a * high.x + high.b)) < 1e-9, 'one curve');
  assert.equal(unit.rtd.type, 1);
  assert.equal(unit.rfc.calcTypes, 2);
  assert.equal(unit.prms.odometer.v, Math.round(unit.prms.odometer.v));
  assert.equal(unit.cnm, Math.round(unit.prms.odometer.v / 1000));
  assert.match(unit.pflds[1].v, /^WTW/);
  assert.deepEqual(await ask('unit/get_trip_detector', { itemId: UNIT }), unit.rtd);
});

test('sensor values are the calibrated parameters of the messages', async () => {
  const { ask } = await fleet();
  const { messages } = await ask('messages/load_interval', {
    itemId: UNIT,
    ...day,
    loadCount: 500,
  });
  const values = await ask('unit/calc_sensors', { unitId: UNIT, indexFrom: 0, indexTo: 499 });
  assert.equal(values.length, messages.length < 500 ? messages.length : 500);
  const { sens } = await item(ask, UNIT, 0x1000);
  for (const [index, value] of values.entries()) {
    const { p } = messages[index];
    const row = sens[3].tbl.findLast(({ x }: { x: number }) => x <= p.fuel);
    assert.equal(value[1], p.ignition);
    assert.equal(value[3], row.a * p.fuel + row.b);
    assert.equal(value[4], p.odometer / 1000);
    assert.equal(value[5], 'DRV001');
  }
  const last = await ask('unit/calc_last_message', { unitId: UNIT, sensors: [2], flags: 1 });
  assert.deepEqual(Object.keys(last), ['2']);
});

test('trips of the loaded messages, of the event loader and of the report are the same', async () => {
  const { ask } = await fleet();
  await ask('messages/load_interval', { itemId: UNIT, ...day, loadCount: 0 });
  const trips = await ask('unit/get_trips', { itemId: UNIT, msgsSource: '1', ...day });
  assert.equal(trips.length, 6);
  for (const { from, to, m } of trips) {
    assert.ok(to.t - from.t >= 2200 && to.t - from.t <= 2400);
    assert.ok(Math.abs(m / (to.t - from.t) - 30 / 3.6) < 1, `${m} m`);
  }
  const selector = { type: 'trips', timeFrom: BASE, timeTo: BASE + 43_200, detalization: 7 };
  const load = { itemId: UNIT, ivalType: 1, ...day, detectors: [{ type: 'trips' }], selector };
  const loaded = await ask('events/load', load);
  assert.equal(loaded.events.trips[0], 6);
  assert.equal((await ask('events/load', load)).error, 1003, 'unload first');
  const events = (await ask('events/get', { selector })).trips[0];
  assert.deepEqual(
    events.map((event: Json) => [event.from.t, event.to.t, event.m]),
    trips.map((trip: Json) => [trip.from.t, trip.to.t, trip.m]),
  );
  await ask('events/unload');
  const run = { reportResourceId: RESOURCE, reportTemplateId: 1, reportObjectId: UNIT };
  const interval = { from: BASE, to: BASE + 43_200, flags: 0 };
  const { reportResult } = await ask('report/exec_report', { ...run, interval });
  assert.equal(reportResult.tables[0].rows, 6);
  const rows = await ask('report/get_result_rows', { tableIndex: 0, indexFrom: 0, indexTo: 9 });
  assert.deepEqual(
    rows.map((row: Json) => [row.t1, row.t2, row.c[3].v]),
    trips.map((trip: Json) => [trip.from.t, trip.to.t, trip.m]),
  );
});

test('a remote report is queued, becomes ready and is applied; cleaned up, it is gone', async () => {
  const { ask } = await fleet();
  const run = {
    reportResourceId: RESOURCE,
    reportTemplateId: 3,
    reportObjectId: UNIT,
    remoteExec: 1,
  };
  const interval = { from: BASE, to: 0, flags: 1 };
  assert.deepEqual(await ask('report/exec_report', { ...run, interval }), { remoteExec: 1 });
  assert.equal((await ask('report/apply_report_result')).error, 6);
  assert.deepEqual(await ask('report/get_report_status'), { status: '2' });
  assert.deepEqual(await ask('report/get_report_status'), { status: '4' });
  const { tables } = (await ask('report/apply_report_result')).reportResult;
  assert.equal(tables.length <= 1, true);
  assert.deepEqual(await ask('report/cleanup_result'), { error: 0 });
  assert.equal((await ask('report/get_report_status')).error, 5);
});

test('geofence visits and engine hours are reported, too', async () => {
  const { ask } = await fleet();
  const interval = { from: BASE, to: BASE + 43_200, flags: 0 };
  for (const [template, table] of [
    [2, 'unit_zones_visit'],
    [4, 'unit_engine_hours'],
  ] as const) {
    const run = { reportResourceId: RESOURCE, reportTemplateId: template, reportObjectId: UNIT };
    const { reportResult } = await ask('report/exec_report', { ...run, interval });
    assert.equal(reportResult.tables[0]?.name, table);
    assert.ok(reportResult.tables[0].rows > 1);
    await ask('report/cleanup_result');
  }
});

test('drivers are bound by shifts, with their codes in the messages', async () => {
  const { ask } = await fleet();
  const { drvrs } = await item(ask, RESOURCE, 0x100);
  assert.equal(Object.keys(drvrs).length, 4);
  assert.equal(drvrs[2].c, 'DRV002');
  assert.equal(drvrs[2].bu, UNIT + 1);
  const range = { resourceId: RESOURCE, unitId: UNIT, driverId: 0, timeFrom: BASE, timeTo: 0 };
  const bindings = await ask('resource/get_driver_bindings', range);
  assert.deepEqual(bindings, { 1: [{ t: BASE + 6 * 3600, u: UNIT }] });
  const now = await ask('resource/get_unit_drivers', { unitId: UNIT });
  assert.equal(now[RESOURCE][0].nm, 'Driver 1');
});

test('notifications are listed in short and in full, with their push address', async () => {
  const { ask } = await fleet();
  const { unf } = await item(ask, RESOURCE, 0x400);
  assert.deepEqual(
    Object.values<Json>(unf).map(({ trg }) => trg),
    ['geozone', 'geozone', 'speed', 'sensor_value'],
  );
  const [full] = await ask('resource/get_notification_data', { itemId: RESOURCE, col: [3] });
  assert.equal(full.act[0].p.url, 'http://127.0.0.1:9/hook');
  assert.match(full.txt, /%UNIT_ID%/);
});

test('events/check_updates tells the state of watched units since the last check, as asked for', async () => {
  const { ask, twin } = await fleet();
  const units = [
    { id: UNIT, detect: { '*': 0 } },
    { id: UNIT + 1, detect: { 'ignition,counters': 0 } },
  ];
  assert.deepEqual(await ask('events/update_units', { mode: 'add', units }), { units: 2 });
  assert.deepEqual(await ask('events/check_updates', { detalization: 7 }), {});
  twin.runTo(12 * 3600 + 600);
  const update = await ask('events/check_updates', { detalization: 7 });
  const [{ trips }, { ignition }, { counters }] = update[UNIT];
  assert.equal(trips.state, 1);
  assert.deepEqual([ignition[1].state, ignition[1].value, ignition[1].switches], [1, 1, 1]);
  assert.ok(ignition[1].hours > 0 && ignition[1].hours <= 600);
  const { cnm, cneh } = await item(ask, UNIT, 0x2000);
  assert.equal(Math.round(counters.mileage / 1000), cnm);
  assert.ok(Math.abs(counters.engine_hours / 3600 - cneh) <= 0.05);
  assert.deepEqual(update[UNIT + 1].flatMap(Object.keys), ['ignition', 'counters']);
  assert.deepEqual(await ask('events/check_updates', { detalization: 7 }), {});
  const one = await ask('events/update_units', { mode: 'remove', units: [{ id: UNIT }] });
  assert.deepEqual(one, { units: 1 });
  assert.equal((await ask('events/update_units', { mode: 'x' })).error, 4);
});

test('the event loader has the ignition, too', async () => {
  const { ask } = await fleet();
  // The next trip begins with the last second of the day.
  const morning = { timeFrom: BASE, timeTo: BASE + 43_100 };
  const selector = { type: 'ignition', ...morning, detalization: 7 };
  const load = {
    itemId: UNIT,
    ivalType: 1,
    ...morning,
    detectors: [{ type: 'ignition' }],
    selector,
  };
  const { events, selector: selected } = await ask('events/load', load);
  assert.equal(events.ignition[1], 6);
  const [first] = selected.ignition[1];
  assert.equal(first.hours, first.to.t - first.from.t);
  assert.equal((await ask('events/get', { selector: { type: 'x' } })).error, 4);
});

test('a tank that is filled stands in the report, with the litres that went in', async () => {
  const { ask, twin } = await fleet();
  twin.runTo(9 * 86_400);
  const interval = { from: BASE, to: BASE + 9 * 86_400, flags: 0 };
  const run = { reportResourceId: RESOURCE, reportTemplateId: 3, reportObjectId: UNIT, interval };
  const { reportResult } = await ask('report/exec_report', run);
  assert.equal(reportResult.tables[0].name, 'unit_fillings');
  const [row] = await ask('report/get_result_rows', { tableIndex: 0, indexFrom: 0, indexTo: 0 });
  const [, before, filled, after] = row.c;
  assert.ok(filled.v >= 10 && filled.vt === 50, JSON.stringify(row));
  assert.ok(Math.abs(before.v + filled.v - after.v) < 0.02);
});

test('core/duplicate opens a second session, or gives the login data of the first', async () => {
  const { ask, sid, twin } = await fleet();
  assert.equal((await ask('core/duplicate', { restore: 1 })).eid, sid);
  const { eid } = await ask('core/duplicate', { continueCurrentSession: true });
  assert.notEqual(eid, sid);
  assert.equal((await twin.poll(sid)).error, undefined);
  const other = await ask('core/duplicate', {});
  assert.equal((await twin.poll(sid)).error, 1);
  assert.equal((await twin.poll(other.eid)).error, undefined);
});
