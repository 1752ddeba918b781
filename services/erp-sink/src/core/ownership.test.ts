import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countWithheld, ownedByErp } from './ownership.ts';

const rules = [
  { entity: 'trip', field: 'driver_code', owner: 'erp' },
  { entity: 'trip', field: 'distance_km', owner: 'telematics' },
  { entity: 'trip', field: 'end_time', owner: 'two_way' },
  { entity: 'site_visit', field: 'site_id', owner: 'erp' },
];

test('only fields of the entity that the ERP alone owns are withheld', () => {
  assert.deepEqual([...ownedByErp(rules, 'trip')], ['driver_code']);
  assert.deepEqual([...ownedByErp(rules, 'transport_order')], []);
});

test('withheld columns are counted', () => {
  const columns = { operator: { from: 'driver_code' }, km: { from: 'distance_km' } };
  assert.equal(countWithheld(columns, ownedByErp(rules, 'trip')), 1);
});
