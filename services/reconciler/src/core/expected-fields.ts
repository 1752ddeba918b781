import { businessDate } from '@waybill/domain';
import type { Resolve } from './resolve-id.ts';

/** A value in contract terms; instants are ms since epoch. */
export type Value = string | number | null;

/** The part of a ledger event that the comparison needs. */
export interface ComparedEvent {
  readonly event_id: string;
  readonly entity: 'trip' | 'site_visit' | 'transport_order';
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
  return typeof value === 'string' || typeof value === 'number' || value === null
    ? value
    : undefined;
}

const plain: Readonly<Record<ComparedEvent['entity'], readonly string[]>> = {
  trip: [
    'start_time',
    'end_time',
    'duration_s',
    'distance_km',
    'start_latitude',
    'start_longitude',
    'end_latitude',
    'end_longitude',
    'driver_code',
    'fix_count',
  ],
  site_visit: ['entered_time', 'left_time', 'dwell_s', 'status'],
  transport_order: ['status', 'event_time'],
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
  if (entity === 'transport_order') return fields;
  if (unit !== null) set('vehicle_id', resolve('vehicle', unit, at));
  const completed = entity === 'trip' ? fact['end_time'] : fact['entered_time'];
  if (typeof completed === 'number') set('business_date', businessDate(completed, zone));
  if (entity === 'site_visit') {
    set('site_id', resolve('site', String(fact['geofence_id']), at));
  }
  return fields;
}
