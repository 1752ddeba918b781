import { createHash } from 'node:crypto';
import type { PositionRecorded } from '@waybill/contracts';
import type { VehicleSampled } from './topics.ts';

const TENANT = 'bench-fleet';

/** Key of a unit's records: tenant and unit. */
export function positionKey(sampled: VehicleSampled): string {
  return `${TENANT}/wialon:${sampled.vehicle_id}`;
}

/** A sample as the transformer would write it: about 200 bytes with its frame. */
export function positionOf(sampled: VehicleSampled, index: number): PositionRecorded {
  const { vehicle_id, event_time, latitude, longitude } = sampled;
  const identity = `${vehicle_id}@${event_time}`;
  return {
    tenant_id: TENANT,
    unit: `wialon:${vehicle_id}`,
    event_id: createHash('sha256').update(identity).digest('hex').slice(0, 32),
    event_time,
    provider_time: event_time + 4_000,
    received_time: event_time + 9_000,
    revision: event_time + 9_000,
    retracted: false,
    cause: 'live',
    trace: { topic: 'wialon.page.raw.v1', partition: index % 4, offset: index, index: index % 500 },
    latitude,
    longitude,
    altitude_m: 12,
    speed_kmh: sampled.speed_kmh,
    course_deg: sampled.heading_deg,
    satellites: 11,
    ignition: sampled.ignition,
    odometer_km: sampled.odometer_km,
    driver_code: null,
    engine_rpm: null,
    fuel_level_l: null,
    fuel_level_percent: null,
    engine_hours_h: null,
    is_private: null,
  };
}

const SAMPLED_EVERY = 100;

/** W3C context of one position in 100, as the default of TRACE_POSITION_RATIO has it. */
export function traceparentOf(index: number): string | undefined {
  if (index % SAMPLED_EVERY !== 0) return undefined;
  const hex = index.toString(16);
  return `00-${hex.padStart(32, 'a')}-${hex.padStart(16, 'b')}-01`;
}
