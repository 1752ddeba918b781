// Facts in deliverable fields, as the sink makes them.
import { businessDate, hashId } from '@waybill/domain';
import type { ErpFact, Triple } from '../port.ts';

export interface TripVersion {
  readonly id: string;
  readonly vehicle: string;
  /** ms since epoch. */
  readonly start: number;
  readonly end: number;
  readonly distanceKm: number;
  readonly retracted?: boolean;
}

export function tripFact(version: TripVersion, zone: string): ErpFact {
  const { id, vehicle, start, end, distanceKm, retracted = false } = version;
  return {
    entity: 'trip',
    eventId: hashId('trip', id),
    entityId: id,
    retracted,
    fields: {
      entity_id: id,
      event_id: hashId('trip', id),
      unit: 'wialon:1',
      vehicle_id: vehicle,
      start_time: new Date(start),
      end_time: new Date(end),
      duration_s: (end - start) / 1000,
      distance_km: distanceKm,
      start_latitude: 37.7,
      start_longitude: -122.4,
      end_latitude: 37.8,
      end_longitude: -122.5,
      driver_code: null,
      fix_count: 12,
      business_date: businessDate(end, zone),
    },
  };
}

export interface VisitVersion {
  readonly id: string;
  readonly vehicle: string;
  readonly site: string;
  readonly entered: number;
  readonly left: number | null;
  readonly retracted?: boolean;
}

export function visitFact(version: VisitVersion, zone: string): ErpFact {
  const { id, vehicle, site, entered, left, retracted = false } = version;
  return {
    entity: 'site_visit',
    eventId: hashId('visit', id),
    entityId: id,
    retracted,
    fields: {
      entity_id: id,
      event_id: hashId('visit', id),
      unit: 'wialon:1',
      vehicle_id: vehicle,
      site_id: site,
      entered_time: new Date(entered),
      left_time: left === null ? null : new Date(left),
      dwell_s: left === null ? null : (left - entered) / 1000,
      status: left === null ? 'ENTERED' : 'LEFT',
      business_date: businessDate(entered, zone),
    },
  };
}

export function revision(n: number, resolution = 1): Triple {
  return { revision: n, activation: 1, resolution };
}
