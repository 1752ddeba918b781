import type { ErpMapping } from './model.ts';

/** What a field of a delivered fact holds; decides how a column may store it. */
export type FieldKind = 'text' | 'number' | 'boolean' | 'instant' | 'date';

type Fields = Readonly<Record<string, FieldKind>>;

const trip: Fields = {
  entity_id: 'text',
  event_id: 'text',
  unit: 'text',
  vehicle_id: 'text',
  start_time: 'instant',
  end_time: 'instant',
  duration_s: 'number',
  distance_km: 'number',
  start_latitude: 'number',
  start_longitude: 'number',
  end_latitude: 'number',
  end_longitude: 'number',
  driver_code: 'text',
  business_date: 'date',
  fix_count: 'number',
};

const siteVisit: Fields = {
  entity_id: 'text',
  event_id: 'text',
  unit: 'text',
  vehicle_id: 'text',
  site_id: 'text',
  entered_time: 'instant',
  left_time: 'instant',
  dwell_s: 'number',
  status: 'text',
  business_date: 'date',
};

const transportOrder: Fields = { entity_id: 'text', status: 'text', event_time: 'instant' };

/** What every fact of a unit has. */
const ofUnit: Fields = {
  entity_id: 'text',
  event_id: 'text',
  unit: 'text',
  vehicle_id: 'text',
  business_date: 'date',
};

const idle: Fields = {
  ...ofUnit,
  start_time: 'instant',
  end_time: 'instant',
  duration_s: 'number',
  latitude: 'number',
  longitude: 'number',
};

const fuelLevel: Fields = {
  ...ofUnit,
  kind: 'text',
  start_time: 'instant',
  end_time: 'instant',
  volume_l: 'number',
  volume_error_l: 'number',
  level_before_l: 'number',
  level_after_l: 'number',
  tank_l: 'number',
  confidence: 'text',
  latitude: 'number',
  longitude: 'number',
};

const odometer: Fields = {
  ...ofUnit,
  event_time: 'instant',
  odometer_km: 'number',
  engine_hours_h: 'number',
  distance_km: 'number',
  reset_count: 'number',
  implausible_count: 'number',
};

const workOrder: Fields = {
  ...ofUnit,
  event_time: 'instant',
  interval_id: 'number',
  interval_name: 'text',
  cycle: 'number',
  due_by: 'text',
  due_km: 'number',
  due_engine_hours_h: 'number',
  due_time: 'instant',
  odometer_km: 'number',
  engine_hours_h: 'number',
};

/** `units` is one text, its units parted by blanks. */
const shift: Fields = {
  entity_id: 'text',
  event_id: 'text',
  driver_id: 'text',
  driver_code: 'text',
  start_time: 'instant',
  end_time: 'instant',
  duration_s: 'number',
  moving_s: 'number',
  activity_count: 'number',
  units: 'text',
  finality: 'text',
  business_date: 'date',
};

const geofence: Fields = {
  ...ofUnit,
  site_id: 'text',
  geofence_id: 'text',
  crossing: 'text',
  event_time: 'instant',
  entered_time: 'instant',
  dwell_s: 'number',
  latitude: 'number',
  longitude: 'number',
  is_interpolated: 'boolean',
  uncertainty_s: 'number',
};

/** Sums (distance, durations, dwell, volume) are differences here, times are the new absolute values. */
const amendment: Fields = {
  amendment_id: 'text',
  entity: 'text',
  entity_id: 'text',
  kind: 'text',
  vehicle_id: 'text',
  site_id: 'text',
  driver_id: 'text',
  original_business_date: 'date',
  booked_business_date: 'date',
  distance_km: 'number',
  duration_s: 'number',
  dwell_s: 'number',
  moving_s: 'number',
  volume_l: 'number',
  start_time: 'instant',
  end_time: 'instant',
  entered_time: 'instant',
  left_time: 'instant',
  revision: 'number',
  activation: 'number',
  resolution: 'number',
};

/** Fields that a mapping may name in `from`, by entity; `amendment` is for amendment columns. */
export const deliverableFields: Readonly<Record<ErpMapping['entity'] | 'amendment', Fields>> = {
  trip,
  site_visit: siteVisit,
  transport_order: transportOrder,
  idle,
  fuel_level: fuelLevel,
  odometer,
  work_order: workOrder,
  shift,
  geofence,
  amendment,
};
