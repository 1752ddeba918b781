import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fixId } from '@waybill/domain';
import { loadTenant } from '@waybill/tenant';
import { configured, until } from '@waybill/testkit';
import { madeUpFleets, startTwin, tokenOf } from '@waybill/wialon-twin';
import { runProgram } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'waybill-cli-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'history.ndjson');

const tenantId = 'hudson-waste';
const unit = 'wialon:8002';
const base = Date.parse('2015-12-10T12:00:00Z');

function record(topic: string, key: string, type: string, value: object): string {
  return JSON.stringify({ topic, key, type, value });
}

/** A position at so many minutes and thousandths of a degree of latitude. */
function position(minute: number, thousandths: number): string {
  const place = { latitude: 40.7 + thousandths / 1000, longitude: -74 };
  return recorded(unit, base + minute * 60_000, place);
}

interface Place {
  readonly latitude: number;
  readonly longitude: number;
}

function recorded(unit: string, time: number, place: Place, speed: number | null = null): string {
  const value = {
    ...{ tenant_id: tenantId, unit, event_time: time, provider_time: time, received_time: time },
    event_id: fixId({ tenantId, unit, eventTime: time, ...place }),
    ...{ revision: 0, retracted: false, cause: 'live', ...place, altitude_m: null },
    trace: { topic: 'wialon.page.raw.v1', partition: 0, offset: 7, index: 0 },
    ...{ speed_kmh: speed, course_deg: null, satellites: null, ignition: null, odometer_km: null },
    ...{ driver_code: null, engine_rpm: null, fuel_level_l: null, fuel_level_percent: null },
    ...{ engine_hours_h: null, is_private: null },
  };
  return record('fleet.position.event.v1', `${tenantId}/${unit}`, 'PositionRecorded', value);
}

const { model } = await loadTenant(
  fileURLToPath(new URL('../../../deploy/tenants/hudson-waste', import.meta.url)),
);
const drive = [0, 2, 4, 6, 8, 8, 8, 8, 8, 8, 8];
writeFileSync(
  file,
  [
    record(
      'tenant.config.state.v1',
      tenantId,
      'TenantConfigured',
      configured(model, { version: 3 }),
    ),
    ...drive.map((thousandths, minute) => position(minute, thousandths)),
  ].join('\n'),
);

async function waybill(
  ...args: string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const said: { out: string[]; err: string[] } = { out: [], err: [] };
  const out = (line: string): void => void said.out.push(line);
  const err = (line: string): void => void said.err.push(line);
  const code = await runProgram(args, { out, err, colour: false, env: {} });
  return { code, out: said.out.join('\n'), err: said.err.join('\n') };
}

const range = ['2015-12-10T12:00:00Z', '2015-12-10T13:00:00Z'];

test('detect explain shows positions and runs, as JSON too, and writes the picture', async () => {
  const picture = join(folder, 'day.html');
  const asked = ['detect', 'explain', `${tenantId}/${unit}`, ...range, '--file', file];
  const { code, out } = await waybill(...asked, '--picture', picture);
  assert.equal(code, 0);
  assert.match(out, /Positions: 11 used\nRuns of movement: 1\n.*trip: distance_m 890 >= 500/);
  assert.match(readFileSync(picture, 'utf8'), /<svg /);
  const json = await waybill(...asked, '--json');
  const answer = JSON.parse(json.out) as { runs: unknown[]; rule_version: number };
  assert.deepEqual([answer.runs.length, answer.rule_version], [1, 3]);
});

test('detect says in one line which unit, date or file is wrong, and what there is', async () => {
  const [from = '', to = ''] = range;
  const explain = ['detect', 'explain'];
  const unknown = await waybill(...explain, `${tenantId}/wialon:9`, from, to, '--file', file);
  const only = `nothing of wialon:9 was recorded; hudson-waste has positions of ${unit}`;
  assert.deepEqual([unknown.code, unknown.err], [1, `waybill: ${only} [UNIT_UNKNOWN]`]);
  const date = await waybill(...explain, `${tenantId}/${unit}`, '2015-12-10', to);
  assert.equal(date.code, 2);
  assert.match(date.err, /'2015-12-10' is invalid .*expected an instant such as 2026-01-31T00:/);
  const none = join(folder, 'none');
  const nowhere = await waybill(...explain, `${tenantId}/${unit}`, from, to, '--file', none);
  assert.match(nowhere.err, /none cannot be read: ENOENT.*\[HISTORY_UNREADABLE\]$/);
});

test('detect backtest lists what a change would lose; a wrong one is refused by name', async () => {
  const { code, out } = await waybill(
    ...['detect', 'backtest', tenantId, 'detection.min_trip_distance_m=900', '--file', file],
  );
  assert.equal(code, 0);
  assert.match(out, /1 events become 0\nGained: 0\nLost: 1\n {2}TripCompleted wialon:8002/);
  const wrong = await waybill('detect', 'backtest', tenantId, 'detection.stay=1', '--file', file);
  assert.equal(wrong.code, 78);
  assert.match(wrong.err, /stay/);
  assert.equal((await waybill('detect', 'backtest', tenantId, 'nonsense')).code, 2);
});

test('detect parity names the reason of a difference', async () => {
  const trips = join(folder, 'trips.json');
  const [from, to] = [base / 1000 + 60, base / 1000 + 240];
  writeFileSync(trips, JSON.stringify([{ from: { t: from }, to: { t: to }, m: 667 }]));
  const asked = ['2015-12-10T11:00:00Z', '2015-12-10T13:00:00Z', trips, '--file', file];
  const { code, out } = await waybill('detect', 'parity', `${tenantId}/${unit}`, ...asked);
  assert.equal(code, 0);
  assert.match(out, /1 trips of either side, 0 equal.*\nReasons: opening_step 1/);
});

test('detect parity asks the provider itself, in a session that it closes', async () => {
  const [at, unitId] = ['2025-01-06T00:00:00Z', 100_001];
  const scenario = madeUpFleets({
    ...{ accounts: ['fleet'], fleet: { units: 1, every_s: 60 }, baseTime: at },
    ...{ durationS: 50_000, pushUrl: 'http://127.0.0.1:9/hook' },
  });
  const options = { startHeld: true, speed: 1_000_000, latencyMs: 0 };
  const twin = await startTwin({ scenario, seed: 7, ...options });
  after(() => twin.close());
  const held = { method: 'POST', body: JSON.stringify({ hold_at_s: 43_200 }) };
  await fetch(`${twin.url}/twin/clock`, held);
  await until('twelve hours of driving', async () => {
    const clock = (await (await fetch(`${twin.url}/twin/clock`)).json()) as { elapsed_s: number };
    return clock.elapsed_s >= 43_200;
  });
  const positions = [...twin.messages('fleet')].map(({ json }) => {
    const { t, pos } = JSON.parse(json) as { t: number; pos: Record<string, number> };
    const place = { latitude: pos['y'] ?? 0, longitude: pos['x'] ?? 0 };
    return recorded(`wialon:${unitId}`, t * 1000, place, pos['s'] ?? 0);
  });
  const detection = { ...model.detection, movement_source: 'speed' as const };
  const config = configured({ ...model, detection }, { version: 3 });
  const history = join(folder, 'fleet.ndjson');
  writeFileSync(
    history,
    [record('tenant.config.state.v1', tenantId, 'TenantConfigured', config), ...positions].join(
      '\n',
    ),
  );
  const token = join(folder, 'token.txt');
  writeFileSync(token, `${tokenOf('fleet', 1)}\n`);
  const asked = [
    ...['detect', 'parity', `${tenantId}/wialon:${unitId}`, at, '2025-01-06T12:00:00Z'],
    ...['--file', history, '--provider', twin.url, '--token', token],
  ];
  const { code, out, err } = await waybill(...asked);
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /^[67] trips of either side, 6 equal/);
  assert.doesNotMatch(out, /unexplained/);
  const [account] = twin.calls().accounts;
  assert.equal(account?.live, 0);

  writeFileSync(token, 'f'.repeat(72));
  const refused = await waybill(...asked);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /the provider refuses token\/login: error \d+.*\[PROVIDER_REFUSED\]/);
  assert.doesNotMatch(refused.err, /ffff/);
  const nowhere = asked.map((arg) => (arg === twin.url ? 'http://127.0.0.1:1' : arg));
  assert.match((await waybill(...nowhere)).err, /PROVIDER_UNAVAILABLE/);
  assert.equal((await waybill(...asked.slice(0, 5), '--provider', twin.url)).code, 2);
});
