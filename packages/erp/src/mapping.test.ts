import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkMapping, withoutFields, type ErpMapping } from './mapping.ts';

const good: ErpMapping = {
  entity: 'trip',
  table: 'erp.trip',
  key: { trip_ref: { from: 'entity_id', as: 'text' } },
  columns: {
    vehicle_id: { from: 'vehicle_id', as: 'text' },
    business_date: { from: 'business_date', as: 'date' },
    km: { from: 'distance_km', as: 'number', decimals: 2 },
    driver: { from: 'driver_code', as: 'text' },
  },
  triple: { revision: 'a', activation: 'b', resolution: 'c' },
  mode: 'upsert',
  amendment: {
    table: 'erp.amendment',
    key: 'id',
    columns: {
      ref: { from: 'entity_id', as: 'text' },
      kind: { from: 'kind', as: 'text' },
      vehicle: { from: 'vehicle_id', as: 'text' },
      original: { from: 'original_business_date', as: 'date' },
      booked: { from: 'booked_business_date', as: 'date' },
      km: { from: 'distance_km', as: 'number', decimals: 2 },
      a: { from: 'revision', as: 'number' },
      b: { from: 'activation', as: 'number' },
      c: { from: 'resolution', as: 'number' },
    },
  },
  period: { table: 'erp.period', date: 'day', closed_at: 'closed_at' },
};

test('a mapping that can be carried out passes', () => {
  checkMapping(good);
});

const { booked: _, ...withoutBooked } = good.amendment?.columns ?? {};
const { business_date: __, ...withoutDate } = good.columns;
const amendment = { table: 'erp.amendment', key: 'id' };
const bad: readonly [string, Partial<ErpMapping>, RegExp][] = [
  ['a key of another field', { key: { k: { from: 'event_id', as: 'text' } } }, /from entity_id/],
  ['a period without amendments', { amendment: undefined }, /needs an amendment table/],
  [
    'an amendment that does not say where it is booked',
    { amendment: { ...amendment, columns: withoutBooked } },
    /booked_business_date/,
  ],
  ['a row without business date', { columns: withoutDate }, /business_date/],
  [
    'a difference in another unit than the row',
    {
      amendment: {
        ...amendment,
        columns: { ...good.amendment?.columns, km: { from: 'distance_km', as: 'number' } },
      },
    },
    /same unit/,
  ],
];
for (const [name, change, message] of bad) {
  test(`${name} is refused`, () => {
    assert.throws(
      () => {
        checkMapping({ ...good, ...change });
      },
      { code: 'MAPPING_INVALID', message },
    );
  });
}

test('fields that the ERP owns are not written, the key stays', () => {
  const owned = withoutFields(good, new Set(['driver_code', 'entity_id']));
  assert.deepEqual(Object.keys(owned.columns), ['vehicle_id', 'business_date', 'km']);
  assert.deepEqual(Object.keys(owned.key), ['trip_ref']);
});
