import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { allTopics, BODY_OFFSET, schemaIdOf, topics, type TripCompleted } from './index.ts';

const trip: TripCompleted = {
  tenant_id: 'bay-cabs',
  unit: 'wialon:7001',
  event_id: 'a'.repeat(32),
  event_time: 1_211_300_000_000,
  provider_time: 1_211_300_004_000,
  received_time: 1_795_000_000_000,
  revision: 1_795_000_000_000,
  retracted: false,
  cause: 'live',
  trace: { topic: 'wialon.page.raw.v1', partition: 0, offset: 7, index: 3 },
  trip_id: 'b'.repeat(32),
  start_time: 1_211_299_000_000,
  end_time: 1_211_300_000_000,
  duration_s: 1000,
  distance_km: 17.33,
  start_latitude: 37.75,
  start_longitude: -122.39,
  end_latitude: 37.76,
  end_longitude: -122.41,
  fix_count: 23,
  driver_code: null,
  finality: 'provisional',
  late_by_s: 4,
  replaced_by: null,
  rule_version: 1,
  first_fix: { topic: 'wialon.page.raw.v1', partition: 0, offset: 5, index: 0 },
  last_fix: { topic: 'wialon.page.raw.v1', partition: 0, offset: 7, index: 3 },
  inputs_hash: 'c'.repeat(16),
  rule: null,
  distance_source: null,
  great_circle_km: null,
  odometer_km: null,
  left_out_count: null,
  is_private: null,
  settings_source: null,
  driver_source: null,
  driver_changes: null,
};

/** avsc gives instances of its own classes; compare contents. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

const contract = topics.trip.contracts.TripCompleted;

test('what is encoded is decoded unchanged, behind the registry’s five bytes', () => {
  const bytes = contract.encode(trip, 258);
  assert.deepEqual([...bytes.subarray(0, 5)], [0, 0, 0, 1, 2]);
  assert.equal(schemaIdOf(bytes), 258);
  assert.deepEqual(plain(contract.decode(bytes, BODY_OFFSET)), trip);
});

test('a value is written at the start of memory that is used again, or not at all', () => {
  const target = Buffer.alloc(4_096);
  const length = contract.write(trip, 258, target);
  assert.deepEqual(target.subarray(0, length), contract.encode(trip, 258));
  const missing = -contract.write(trip, 258, target.subarray(0, length - 10));
  assert.equal(missing, 10);
});

test('messages encoded one after another do not overwrite each other, slab after slab', () => {
  const encoded = Array.from({ length: 5000 }, (_, i) =>
    contract.encode({ ...trip, fix_count: i + 2 }, 1),
  );
  for (const [i, bytes] of encoded.entries()) {
    assert.equal(contract.decode(bytes, BODY_OFFSET).fix_count, i + 2);
  }
});

test('a value larger than a slab is encoded', () => {
  const { PageFetched } = topics.wialonPage.contracts;
  const body = Buffer.alloc(600_000, 7);
  const page = {
    tenant_id: 'a-tenant',
    source_id: 'wialon',
    account: 'a',
    page_id: 'a'.repeat(32),
    call: 'avl_evts',
    parameters: '{}',
    unit: null,
    window_from_time: null,
    window_to_time: null,
    session_hash: 's',
    received_time: 1,
    provider_now_time: null,
    first_index: 0,
    message_count: 1,
    part: 0,
    parts: 1,
    body_sha256: 'a'.repeat(64),
    unusable_reason: null,
    http_status: null,
    content_type: null,
    body_bytes: null,
    body,
  };
  assert.deepEqual(PageFetched.decode(PageFetched.encode(page, 1), BODY_OFFSET).body, body);
});

const broken: readonly [string, Record<string, unknown>, string][] = [
  ['a missing required field', { trip_id: undefined }, 'trip_id'],
  ['a distance below zero', { distance_km: -1 }, 'distance_km'],
  ['a distance of three decimals', { distance_km: 1.234 }, 'distance_km'],
  ['a latitude beyond the pole', { start_latitude: 91 }, 'start_latitude'],
  ['a driver code of another format', { driver_code: 'x y' }, 'driver_code'],
  ['a number that is not finite', { distance_km: Number.POSITIVE_INFINITY }, 'distance_km'],
  ['a nested address below its minimum', { trace: { ...trip.trace, offset: -1 } }, 'trace.offset'],
  ['an unknown cause', { cause: 'because' }, 'cause'],
];
for (const [what, change, path] of broken) {
  test(`${what} is a violation at ${path}`, () => {
    const found = contract.violations({ ...trip, ...change });
    assert.deepEqual(
      found.map((violation) => violation.path),
      [path],
    );
  });
}

test('all violations are named at once', () => {
  const found = contract.violations({
    ...trip,
    distance_km: -1,
    end_latitude: 99,
    unit: 'no colon',
  });
  assert.deepEqual(found.map((violation) => violation.path).toSorted(), [
    'distance_km',
    'end_latitude',
    'unit',
  ]);
});

test('topic names follow the pattern and are unique', () => {
  for (const topic of allTopics) {
    assert.match(
      topic.name,
      /^[a-z-]+(\.[a-z-]+)*\.(raw|backfill|event|command|state|dead-letter)\.v\d+$|^[a-z-]+\.dead-letter\.v\d+$/,
    );
  }
  assert.equal(new Set(allTopics.map((topic) => topic.name)).size, allTopics.length);
});

test('every field of every contract is documented, and only nullable unions are used', () => {
  for (const topic of allTopics) {
    for (const { schemaText, name } of Object.values(topic.contracts)) {
      const schema = JSON.parse(schemaText) as {
        fields: { name: string; doc?: string; type: unknown }[];
      };
      for (const field of schema.fields) {
        assert.ok(field.doc, `${name}.${field.name} has no doc`);
        if (Array.isArray(field.type))
          assert.deepEqual([field.type[0], field.type.length], ['null', 2]);
      }
    }
  }
});

test('the generated files are those of the schemas and the catalogue', () => {
  const files = [
    './generated/types.ts',
    '../exports/openapi.json',
    '../exports/webhook-catalogue.csv',
  ].map((file) => new URL(file, import.meta.url));
  const texts = (): string[] => files.map((file) => readFileSync(file, 'utf8'));
  const before = texts();
  execFileSync(process.execPath, [new URL('./generate.ts', import.meta.url).pathname], {
    stdio: 'ignore',
  });
  assert.deepEqual(texts(), before, 'run npm run generate');
});
