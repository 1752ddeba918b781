import type { DeliveredEntity } from '@waybill/contracts';
import { businessDate } from '@waybill/domain';
import type { Resolve } from './resolve-id.ts';

/** A value in contract terms; instants are ms since epoch. */
export type Value = string | number | null;

/** The part of a ledger event that the comparison needs. */
export interface ComparedEvent {
  readonly event_id: string;
  readonly entity: DeliveredEntity;
  readonly entity_id: string;
  readonly unit: string | null;
  readonly event_time: number;
  readonly revision: number;
  readonly retracted: boolean;
  readonly fact: Readonly<Record<string, unknown>>;
  /** Outcome of the newest delivery; null = none reported. */
  readonly outcome: string | null;
  readonly reason: string | null;
  /** Newest revision that a delivery wrote. */
  readonly written: { readonly revision: number } | null;
  readonly dead_letter_code: string | null;
}

function valueOf(fact: ComparedEvent['fact'], name: string): Value | undefined {
  const value = fact[name];
  // As the database writes it.
  if (typeof value === 'boolean') return String(value);
  return typeof value === 'string' || typeof value === 'number' || value === null
    ? value
    : undefined;
}

const PLACES = ['start_latitude', 'start_longitude', 'end_latitude', 'end_longitude'];

const plain: Readonly<Record<ComparedEvent['entity'], readonly string[]>> = {
  trip: [
    'start_time',
    'end_time',
    'duration_s',
    'distance_km',
    ...PLACES,
    'driver_code',
    'fix_count',
  ],
  site_visit: ['entered_time', 'left_time', 'dwell_s', 'status'],
  transport_order: ['status', 'event_time'],
  idle: ['start_time', 'end_time', 'duration_s', 'latitude', 'longitude'],
  fuel_level: [
    'kind',
    'start_time',
    'end_time',
    'volume_l',
    'volume_error_l',
    'level_before_l',
    'level_after_l',
    'tank_l',
    'confidence',
    'latitude',
    'longitude',
  ],
  odometer: [
    'event_time',
    'odometer_km',
    'engine_hours_h',
    'distance_km',
    'reset_count',
    'implausible_count',
    'business_date',
  ],
  work_order: [
    'event_time',
    'interval_id',
    'interval_name',
    'cycle',
    'due_by',
    'due_km',
    'due_engine_hours_h',
    'due_time',
    'odometer_km',
    'engine_hours_h',
  ],
  shift: [
    'driver_code',
    'start_time',
    'end_time',
    'duration_s',
    'moving_s',
    'activity_count',
    'finality',
    'business_date',
  ],
  geofence: [
    'geofence_id',
    'crossing',
    'event_time',
    'entered_time',
    'dwell_s',
    'latitude',
    'longitude',
    'is_interpolated',
    'uncertainty_s',
  ],
};

/** Instant whose local date is the business date, where the fact does not name its day. */
const dayOf: Readonly<Partial<Record<ComparedEvent['entity'], string>>> = {
  trip: 'end_time',
  site_visit: 'entered_time',
  idle: 'event_time',
  fuel_level: 'event_time',
  work_order: 'event_time',
  geofence: 'event_time',
};

/**
 * Deliverable fields of an event as the ERP should have them. A field that cannot be told (an id that
 * nobody mapped) is absent, so it is not compared.
 */
export function expectedFields(
  event: ComparedEvent,
  resolve: Resolve,
  zone: string,
): Readonly<Record<string, Value>> {
  const { entity, fact, unit, event_time: at } = event;
  const fields: Record<string, Value> = {
    entity_id: event.entity_id,
    event_id: event.event_id,
    unit,
  };
  const set = (name: string, value: Value | undefined): void => {
    if (value !== undefined) fields[name] = value;
  };
  for (const name of plain[entity]) set(name, valueOf(fact, name));
  // Version 1 of the contract has no null there: in private mode its 0 means nothing.
  if (fact['is_private'] === true) for (const name of PLACES) set(name, null);
  if (entity === 'transport_order') return fields;
  if (unit !== null) set('vehicle_id', resolve('vehicle', unit, at));
  const day = fact[dayOf[entity] ?? ''];
  if (typeof day === 'number') set('business_date', businessDate(day, zone));
  const { geofence_id: zoneId, driver_code: driver, units } = fact;
  if (typeof zoneId === 'string') set('site_id', resolve('site', zoneId, at));
  if (entity === 'shift' && typeof driver === 'string') {
    set('driver_id', resolve('driver', driver, at));
  }
  if (Array.isArray(units)) set('units', units.join(' '));
  return fields;
}
