import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TripCompleted } from '@waybill/contracts';
import { trip } from '../testing/events.ts';
import { deliverableOf } from './fact.ts';

const message = trip({
  id: 'a',
  tenant: 'hudson-waste',
  unit: 'wialon:8001',
  start: '2015-12-10T12:00:00Z',
  end: '2015-12-10T13:00:00Z',
});
const value = message.value as TripCompleted;
const ids = { vehicleId: 'TRK-1', siteId: null, driverId: null };

test('a private trip is delivered with its distance and without coordinates', () => {
  const hidden = { ...value, is_private: true, start_latitude: 0, start_longitude: 0 };
  const { plain } = deliverableOf({ entity: 'trip', value: hidden }, ids, 'America/New_York');
  assert.equal(plain['distance_km'], 12.34);
  assert.deepEqual(
    ['start_latitude', 'start_longitude', 'end_latitude', 'end_longitude'].map((f) => plain[f]),
    [null, null, null, null],
  );
  const shown = deliverableOf({ entity: 'trip', value }, ids, 'America/New_York').plain;
  assert.equal(shown['start_latitude'], 40.7);
});
