import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fixId } from '@waybill/domain';
import { loadTenant, toDocument } from '@waybill/tenant';
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
  const time = base + minute * 60_000;
  const place = { latitude: 40.7 + thousandths / 1000, longitude: -74 };
  const value = {
    ...{ tenant_id: tenantId, unit, event_time: time, provider_time: time, received_time: time },
    event_id: fixId({ tenantId, unit, eventTime: time, ...place }),
    ...{ revision: 0, retracted: false, cause: 'live', ...place, altitude_m: null },
    trace: { topic: 'wialon.page.raw.v1', partition: 0, offset: 7, index: minute },
    ...{ speed_kmh: null, course_deg: null, satellites: null, ignition: null, odometer_km: null },
    ...{ driver_code: null, engine_rpm: null, fuel_level_l: null, fuel_level_percent: null },
    ...{ engine_hours_h: null, is_private: null },
  };
  return record('fleet.position.event.v1', `${tenantId}/${unit}`, 'PositionRecorded', value);
}

const { model } = await loadTenant(
  fileURLToPath(new URL('../../../deploy/tenants/hudson-waste', import.meta.url)),
);
const { document, sha256 } = toDocument(model);
const configured = {
  ...{ tenant_id: model.tenant_id, version: 3, applied_time: 1, applied_by: 'test' },
  ...{ document_sha256: sha256, document },
};
const drive = [0, 2, 4, 6, 8, 8, 8, 8, 8, 8, 8];
writeFileSync(
  file,
  [
    record('tenant.config.state.v1', tenantId, 'TenantConfigured', configured),
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
