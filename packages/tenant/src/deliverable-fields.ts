/** What a field of a delivered fact holds; decides how a column may store it. */
export type FieldKind = 'text' | 'number' | 'instant' | 'date';

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

/** Distance, duration and dwell are differences here, the four times are the new absolute values. */
const amendment: Fields = {
  amendment_id: 'text',
  entity: 'text',
  entity_id: 'text',
  kind: 'text',
  vehicle_id: 'text',
  site_id: 'text',
  original_business_date: 'date',
  booked_business_date: 'date',
  distance_km: 'number',
  duration_s: 'number',
  dwell_s: 'number',
  start_time: 'instant',
  end_time: 'instant',
  entered_time: 'instant',
  left_time: 'instant',
  revision: 'number',
  activation: 'number',
  resolution: 'number',
};

/** Fields that a mapping may name in `from`, by entity; `amendment` is for amendment columns. */
export const deliverableFields: {
  readonly trip: Fields;
  readonly site_visit: Fields;
  readonly transport_order: Fields;
  readonly amendment: Fields;
} = { trip, site_visit: siteVisit, transport_order: transportOrder, amendment };
