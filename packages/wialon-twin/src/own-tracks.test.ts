import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ownTracks } from './own-tracks.ts';
import { startTestTwin } from './test-twin.ts';

/** Answers as they come: the assertions below are what checks their shape. */
type Json = ReturnType<typeof JSON.parse>;

const full = `vehicle_id,t,lat,lon,rt,speed,course,p.fuel,p.note
bus 1,1000000,48.1,11.5,1000002,30,90,812,
bus 2,1000010,48.2,11.6,1000500,0,0,,late
bus 1,1000060,48.11,11.51,1000061,31,91,811,
`;
const plain = 'lat,lon,t,vehicle_id\r\n1.5,2.5,2000000,x\r\n1.6,2.6,2000030,x\r\n';

function folder(t: TestContext, files: Readonly<Record<string, string | Buffer>>): string {
  const dir = mkdtempSync(join(tmpdir(), 'wialon-tracks-'));
  t.after(() => rmSync(dir, { recursive: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
  return dir;
}

const all = { timeFrom: 0, timeTo: 0xffff_ffff, loadCount: 100 };

test('every file of a folder is an account, with what its columns have', async (t) => {
  const sites = {
    type: 'FeatureCollection',
    features: [
      {
        type: 'Feature',
        properties: { id: 'depot-7', dataset: 'city' },
        geometry: {
          coordinates: [
            [
              [11, 48],
              [12, 48],
              [12, 49],
              [11, 48],
            ],
          ],
        },
      },
    ],
  };
  const dir = folder(t, {
    'city.csv.gz': gzipSync(full),
    'village.csv': plain,
    'sites.geojson': JSON.stringify(sites),
    'notes.txt': 'nothing',
  });
  const scenario = ownTracks({ folder: dir, startAt: undefined });
  const twin = await startTestTwin({ scenario });
  t.after(() => twin.twin.close());
  twin.runTo(600);
  const city = await twin.login('city');
  const load = async (sid: string, itemId: number): Promise<Json> =>
    ((await twin.call('messages/load_interval', { itemId, ...all }, sid)) as Json).messages;
  const [first, second] = await load(city, 7001);
  assert.deepEqual(
    [first.t, first.rt, first.pos.s, first.pos.c, first.p],
    [1_000_000, 1_000_002, 30, 90, { fuel: 812 }],
  );
  assert.equal(second.p.fuel, 811);
  const [late] = await load(city, 7002);
  assert.deepEqual([late.rt, late.p], [1_000_500, { note: 'late' }]);
  const { item } = (await twin.call('core/search_item', { id: 600, flags: 0x1000 }, city)) as Json;
  assert.equal(item.zl[7].n, 'depot-7');
  const village = await load(await twin.login('village'), 17_001);
  assert.equal(village.length, 2);
  assert.ok(village[0].rt > village[0].t, 'derived');
  assert.equal(village[1].p.avl_driver, 'DRV001', 'made up where the track has none');
});

test('live, the first fix comes now', (t) => {
  const dir = folder(t, { 'city.csv': full });
  const scenario = ownTracks({ folder: dir, startAt: 1_800_000_000 });
  assert.equal(scenario.accounts[0]?.base_time, '2027-01-15T08:00:00.000Z');
  assert.equal(scenario.accounts[0].shift_s, 1_800_000_000 - 999_999);
});

test('what is no track is named with its line', async (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['a,b\n1,2\n', /city\.csv: expected the columns vehicle_id, t, lat, lon; no vehicle_id,t/],
    ['vehicle_id,t,lat,lon\nx,1,2,3\nx,1,,3\n', /city\.csv, line 3: t, lat and lon must be/],
    ['vehicle_id,t,lat,lon\n', /city\.csv: no rows/],
  ];
  for (const [content, message] of cases) {
    const dir = folder(t, { 'city.csv': content });
    assert.throws(() => ownTracks({ folder: dir, startAt: undefined }), message);
  }
  assert.throws(() => ownTracks({ folder: folder(t, {}), startAt: undefined }), /no \.csv/);
});
