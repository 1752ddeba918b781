import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { topics, type TenantConfigured, type TripDetector } from '@waybill/contracts';
import { createStreamDriver } from '@waybill/testkit';
import { position, progress, zone, type Fixture } from '../testing/messages.ts';
import { createDriver } from '../testing/driver.ts';
import { tenant } from '../testing/tenant.ts';
import { backtest, withChanges } from './backtest.ts';
import { checkExplained, checkPositions, checkRange, checkUnit } from './checks.ts';
import { compareTrips, providerTrips } from './compare-trips.ts';
import { explain } from './explain.ts';
import { historyOfFile, historyOfLog, saveLine, type History } from './history.ts';
import { pictureOf } from './picture.ts';
import { renderBacktest, renderExplanation, renderParity } from './render.ts';

const UNIT = 'wialon:7001';
const KEY = `bay-cabs/${UNIT}`;

function line(topic: { readonly name: string }, key: string, type: string, value: object): string {
  return saveLine(topic.name, key, { type, value });
}

/** A history of one unit, by way of a file. */
function historyOf(
  config: TenantConfigured,
  fixtures: readonly Fixture[],
  more: readonly string[] = [],
): History {
  const folder = mkdtempSync(join(tmpdir(), 'waybill-study-'));
  const file = join(folder, 'history.ndjson');
  const lines = [
    line(topics.tenantConfig, 'bay-cabs', 'TenantConfigured', config),
    ...fixtures.map((fixture) => line(topics.position, KEY, 'PositionRecorded', position(fixture))),
    ...more,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  try {
    return historyOfFile(file, 'bay-cabs');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function drive(thousandths: readonly number[]): Fixture[] {
  return thousandths.map((lat, i) => ({ t: i * 60, lat: lat / 1000, lon: 0.0001 }));
}

const day = { tenantId: 'bay-cabs', unit: UNIT, from: 0, to: 86_400_000 };
const filtered = tenant({ detection: { outlier_speed_kmh: 200 } });

test('explain says of every position what became of it', () => {
  const [first, ...rest] = drive([0, 2, 4, 404, 6, 8, 8, 8, 8, 8, 8, 9]);
  const late = { t: 90, lat: 0.003, lon: 0.0001, rt: 90 + 7 * 3600 };
  const ahead = { t: 80_000, lat: 0, lon: 0.0001, rt: 100 };
  const beside = { t: 60, lat: 0.1, lon: 0.0001, rt: 500 };
  const secret = { t: 700, lat: 0.009, lon: 0.0001, signals: { is_private: true } };
  const history = historyOf(
    filtered,
    [first ?? late, ...rest, late, ahead, beside, secret, rest[0] ?? late],
    [
      line(
        topics.zone,
        'bay-cabs/z',
        'ZoneDescribed',
        zone('z', [
          [-0.001, -0.001],
          [0.001, -0.001],
          [0.001, 0.001],
          [-0.001, 0.001],
        ]),
      ),
    ],
  );
  const { fixes } = explain(history, day);
  const uses = new Map(
    fixes.map(({ time, arrived, use, reason }) => [`${time} ${arrived}`, `${use} ${reason ?? ''}`]),
  );
  const at = (t: number, rt = t + 1): string | undefined =>
    uses.get(`${new Date(t * 1000).toISOString()} ${new Date(rt * 1000).toISOString()}`);
  assert.equal(at(0), 'used ');
  assert.match(at(180) ?? '', /^left_out impossibly far/);
  assert.match(at(90, 90 + 7 * 3600) ?? '', /^beyond_grace/);
  assert.match(at(80_000, 100) ?? '', /^refused expected a device time/);
  assert.equal(at(60, 500), 'skipped same_second');
  assert.match(at(700) ?? '', /^private/);
  assert.equal(at(60), 'skipped repeat', 'the second copy');
  assert.deepEqual(fixes[0]?.zones, ['z']);
  assert.equal(
    fixes.find(({ use, moving }) => use === 'used' && moving === false)?.time,
    fixes[0]?.time,
  );
});

test('explain holds every run against the thresholds', () => {
  const still = [8, 8, 8, 8, 8, 8];
  const { runs } = explain(
    historyOf(filtered, drive([0, 2, 4, 6, 8, ...still, 10, 10, 10, 10, 10, 10])),
    day,
  );
  assert.deepEqual(
    runs.map(({ is_trip, thresholds }) => [
      is_trip,
      thresholds.filter(({ met }) => !met).map(({ name }) => name),
    ]),
    [
      [true, []],
      [false, ['distance_m']],
    ],
  );
});

test('explain lists what was published, and why; the picture shows positions and runs, no coordinates', async () => {
  const driver = await createDriver(filtered);
  const fixtures = drive([0, 2, 4, 6, 8, 8, 8, 8, 8, 8, 8]);
  const [late] = fixtures.splice(3, 1);
  const published: string[] = [];
  const keep = (trips: readonly object[]): void => {
    for (const trip of trips) published.push(line(topics.trip, KEY, 'TripCompleted', trip));
  };
  keep((await driver.process([...fixtures.map(position), progress(1500)])).trips);
  keep(
    (await driver.process([position({ ...(late ?? { t: 0, lat: 0, lon: 0.0001 }), rt: 1400 })]))
      .trips,
  );
  const explanation = explain(historyOf(filtered, fixtures, published), day);
  assert.deepEqual(
    explanation.versions.map(({ cause, change, late_by_s }) => [cause, change, late_by_s]),
    [
      ['live', 'published', 1],
      ['late_fix', 'published', 1220],
    ],
  );
  const text = renderExplanation(explanation).join('\n');
  assert.match(text, /Positions: 10 used/);
  assert.match(text, /trip: distance_m 890 >= 500/);
  assert.match(text, /late_fix, 1220 s late/);
  const page = pictureOf(explanation);
  assert.equal(page.match(/<circle[^>]*><title>/g)?.length, 10);
  assert.match(page, /: trip<\/title>/);
  assert.doesNotMatch(page, /0\.00[248]/);
});

test('a name that a page could take for markup is shown as text', () => {
  const history = historyOf(filtered, drive([0, 1]));
  const page = pictureOf({ ...explain(history, day), unit: 'wialon:<script>' });
  assert.doesNotMatch(page, /<script>/);
});

// A stop of 4 min between two drives, then a short hop.
const stopping = [
  0,
  4,
  8,
  8,
  8,
  8,
  12,
  16,
  ...Array<number>(7).fill(16),
  ...Array<number>(7).fill(19),
];

test('backtest lists what a change would gain, lose and move', () => {
  const history = historyOf(tenant(), drive(stopping));
  const range = { from: 0, to: Number.MAX_SAFE_INTEGER };
  const shorter = backtest(history, 'bay-cabs', ['detection.stay_time_s=240'], range);
  assert.deepEqual([shorter.before, shorter.after], [1, 2]);
  assert.equal(shorter.gained.length, 1);
  assert.equal(shorter.moved[0]?.after.end, new Date(120_000).toISOString());
  const longer = backtest(history, 'bay-cabs', ['detection.min_trip_distance_m=5000'], range);
  assert.deepEqual([longer.gained.length, longer.lost.length, longer.moved.length], [0, 1, 0]);
  const lower = backtest(history, 'bay-cabs', ['detection.min_trip_distance_m=300'], range);
  assert.deepEqual([lower.gained.length, lower.lost.length, lower.moved.length], [1, 0, 0]);
  const same = backtest(history, 'bay-cabs', ['detection.min_speed_kmh=5'], range);
  assert.deepEqual([same.gained.length, same.lost.length, same.moved.length], [0, 0, 0]);
  const text = renderBacktest(shorter).join('\n');
  assert.match(text, /"detection.stay_time_s":240.*1 events become 2/);
  assert.match(text, /Gained: 1\n {2}TripCompleted/);
  const later = { from: 7_200_000, to: Number.MAX_SAFE_INTEGER };
  assert.equal(backtest(history, 'bay-cabs', ['detection.stay_time_s=240'], later).before, 0);
});

test('a change that makes the tenant file wrong is refused by name', () => {
  assert.throws(() => withChanges(tenant(), ['detection.stay_time=180']), /stay_time/);
  assert.throws(() => withChanges(tenant(), ['detection.stay_time_s=-1']), /stay_time_s/);
  assert.throws(() => withChanges(tenant(), ['nonsense']), { code: 'CHANGE_INVALID' });
});

test('a history from the log is the one of its file; other tenants stay out', async () => {
  const driver = await createStreamDriver();
  const value = tenant();
  await driver.pipe(topics.tenantConfig, [
    { key: 'bay-cabs', message: { type: 'TenantConfigured', value } },
  ]);
  const fixtures = drive(stopping);
  await driver.pipe(topics.position, [
    ...fixtures.map((each) => ({
      key: KEY,
      message: { type: 'PositionRecorded' as const, value: position(each) },
    })),
    {
      key: `other/${UNIT}`,
      message: {
        type: 'PositionRecorded' as const,
        value: position({ t: 1, lat: 0, lon: 0.0001, tenantId: 'other' }),
      },
    },
  ]);
  const seen: string[] = [];
  const history = await historyOfLog(driver.log.connect(), 'bay-cabs', (topic) => seen.push(topic));
  assert.equal(seen.length, 1 + fixtures.length);
  const asked = JSON.stringify(explain(history, day));
  assert.deepEqual(asked, JSON.stringify(explain(historyOf(value, fixtures), day)));
});

test('a line that is no record, and a tenant that nobody knows, are named', () => {
  const broken = ['not json'];
  assert.throws(() => historyOf(tenant(), [], broken), {
    code: 'HISTORY_UNREADABLE',
    message: /line 2/,
  });
  const other = historyOf({ ...tenant(), tenant_id: 'other' }, []);
  assert.throws(() => explain(other, { ...day, tenantId: 'nobody' }), { code: 'TENANT_UNKNOWN' });
  assert.throws(() => providerTrips({ error: 4 }), { code: 'TRIPS_UNREADABLE' });
  assert.throws(() => providerTrips([{ from: { t: 1 }, to: {} }]), /entry 0/);
});

test('a range, a unit or a history with nothing in it is named, with what there is', () => {
  const history = historyOf(tenant(), drive([0, 2, 4]));
  const named = (check: () => void, code: string, message: RegExp): void =>
    assert.throws(check, { code, message });
  named(() => checkRange({ from: 5, to: 5 }), 'RANGE_EMPTY', /ends after it begins, found 1970/);
  checkRange({ from: 5, to: 6 });
  const other = { ...day, unit: 'wialon:9' };
  named(() => checkUnit(history, other), 'UNIT_UNKNOWN', /positions of wialon:7001$/);
  checkUnit(history, day);
  const nothing = historyOf(tenant(), []);
  named(() => checkUnit(nothing, day), 'HISTORY_EMPTY', /no position of bay-cabs/);
  named(() => checkPositions(nothing, 'bay-cabs'), 'HISTORY_EMPTY', /is in the history/);
  const later = explain(history, { ...day, from: 9_000_000 });
  const there = /there are 3 from 1970-01-01T00:00:00.000Z to 1970-01-01T00:02:00.000Z$/;
  named(() => checkExplained(history, later), 'RANGE_EMPTY', there);
  checkExplained(history, explain(history, day));
});

interface TwinUnit {
  readonly trip_detector: Readonly<Record<string, number>>;
  readonly trips: unknown;
  /** t, rt, latitude, longitude, km/h, satellites, ignition, odometer in m. */
  readonly messages: readonly (readonly number[])[];
}

function twinHistory(
  { trip_detector: rtd, messages }: TwinUnit,
  settings: 'tenant' | 'unit',
): History {
  const number = (name: string): number => rtd[name] ?? 0;
  const detector: TripDetector = {
    detector: number('type'),
    gps_correction: number('gpsCorrection') === 1,
    min_satellites: number('minSat'),
    min_moving_speed_kmh: number('minMovingSpeed'),
    min_stay_time_s: number('minStayTime'),
    max_messages_distance_m: number('maxMessagesDistance'),
    min_trip_time_s: number('minTripTime'),
    min_trip_distance_m: number('minTripDistance'),
  };
  const asset = {
    ...{ tenant_id: 'bay-cabs', unit: UNIT, event_time: 0, revision: 1 },
    intervals: [
      {
        ...{ valid_from_time: null, valid_to_time: null, name: 'truck', device_id: null },
        ...{ vin: null, registration_plate: null, sensors: [], trip_detector: detector },
        ...{ service_intervals: [], measure_system: null, counter_flags: null, hardware_id: null },
      },
    ],
  };
  const fixtures = messages.map(
    ([t = 0, rt = 0, lat = 0, lon = 0, speed = 0, sc = 0, on = 0, m = 0]) => ({
      ...{ t, rt, lat, lon, speed },
      signals: { satellites: sc, ignition: on === 1, odometer_km: m / 1000 },
    }),
  );
  const detection = { movement_source: 'speed' as const, trip_settings: settings };
  return historyOf(tenant({ detection }), fixtures, [
    line(topics.asset, KEY, 'AssetDescribed', asset),
  ]);
}

const recorded = gunzipSync(
  readFileSync(new URL('../../testdata/twin-trips.json.gz', import.meta.url)),
);
const units = JSON.parse(recorded.toString('utf8')) as Record<string, TwinUnit>;
const base = Date.parse('2025-01-06T00:00:00Z');
const window = { ...day, from: base, to: base + 43_200_000 };

for (const [unit, recording] of Object.entries(units)) {
  for (const settings of ['tenant', 'unit'] as const) {
    test(`parity with the twin’s trips of unit ${unit}, settings of the ${settings}: a reason for every difference`, () => {
      const history = twinHistory(recording, settings);
      const theirs = providerTrips(recording.trips);
      const rows = compareTrips(history, window, theirs);
      assert.ok(rows.length >= theirs.length);
      for (const row of rows) {
        assert.equal(row.isEqual, row.reasons.length === 0);
        assert.ok(!row.reasons.includes('unexplained'), renderParity([row]).join('\n'));
      }
      assert.match(renderParity(rows)[0] ?? '', /[67] trips of either side, 6 equal/);
    });
  }
}
