import type { SiteVisited, TripCompleted, TripStatusChanged } from '@waybill/contracts';
import { businessDate } from '@waybill/domain';

/** An event that the sink delivers, with the entity that it is about. */
export type Fact =
  | { readonly entity: 'trip'; readonly value: TripCompleted }
  | { readonly entity: 'site_visit'; readonly value: SiteVisited }
  | { readonly entity: 'transport_order'; readonly value: TripStatusChanged };

export type Entity = Fact['entity'];

/** Ids of the ERP, resolved as of the event's time. */
export interface ResolvedIds {
  readonly vehicleId: string | null;
  readonly siteId: string | null;
}

/** Deliverable fields; instants (ms since epoch) stand apart, because a mapping treats them apart. */
export interface Deliverable {
  readonly plain: Readonly<Record<string, string | number | null>>;
  readonly instants: Readonly<Record<string, number | null>>;
}

/** Stable id of the entity, the key of its ERP row. */
export function entityIdOf(fact: Fact): string {
  switch (fact.entity) {
    case 'trip':
    case 'transport_order':
      return fact.value.trip_id;
    case 'site_visit':
      return fact.value.visit_id;
  }
}

export const VEHICLE = 'vehicle/';
export const SITE = 'site/';

/** Ids that must be known in the ERP before the fact can be written, as `<entity>/<telematics id>`. */
export function refsOf(fact: Fact): readonly string[] {
  switch (fact.entity) {
    case 'trip':
      return [`${VEHICLE}${fact.value.unit}`];
    case 'site_visit':
      return [`${VEHICLE}${fact.value.unit}`, `${SITE}${fact.value.geofence_id}`];
    case 'transport_order':
      // The order reference is the ERP's own.
      return [];
  }
}

/** Local date on which the fact counts: of a trip its end, of a visit its entry; null for orders. */
export function businessDateOf(fact: Fact, zone: string): string | null {
  switch (fact.entity) {
    case 'trip':
      return businessDate(fact.value.end_time, zone);
    case 'site_visit':
      return businessDate(fact.value.entered_time, zone);
    case 'transport_order':
      return null;
  }
}

type Places = Pick<
  TripCompleted,
  'start_latitude' | 'start_longitude' | 'end_latitude' | 'end_longitude'
>;

/** Coordinates of a trip; null in private mode, where the contract's 0 means nothing. */
function placesOf(trip: TripCompleted): { readonly [F in keyof Places]: number | null } {
  const { is_private, start_latitude, start_longitude, end_latitude, end_longitude } = trip;
  if (is_private !== true) return { start_latitude, start_longitude, end_latitude, end_longitude };
  return {
    start_latitude: null,
    start_longitude: null,
    end_latitude: null,
    end_longitude: null,
  };
}

/** The fields that mappings may name, with ids and business date of the company. */
export function deliverableOf(fact: Fact, ids: ResolvedIds, zone: string): Deliverable {
  const { entity, value } = fact;
  const identity = {
    entity_id: entityIdOf(fact),
    event_id: value.event_id,
    unit: value.unit,
    vehicle_id: ids.vehicleId,
    business_date: businessDateOf(fact, zone),
  };
  switch (entity) {
    case 'trip':
      return {
        plain: {
          ...identity,
          duration_s: value.duration_s,
          distance_km: value.distance_km,
          ...placesOf(value),
          driver_code: value.driver_code,
          fix_count: value.fix_count,
        },
        instants: { start_time: value.start_time, end_time: value.end_time },
      };
    case 'site_visit':
      return {
        plain: {
          ...identity,
          site_id: ids.siteId,
          dwell_s: value.dwell_s,
          status: value.status,
        },
        instants: { entered_time: value.entered_time, left_time: value.left_time },
      };
    case 'transport_order':
      return {
        plain: { entity_id: value.trip_id, status: value.status },
        instants: { event_time: value.event_time },
      };
  }
}
