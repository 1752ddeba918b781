// Events as the detector and the transformer publish them.
import type {
  IdMapped,
  MappingInterval,
  Message,
  SiteVisited,
  TripCompleted,
  TripStatusChanged,
} from '@waybill/contracts';
import { hashId, shortHash } from '@waybill/domain';
import { type TenantModel } from '@waybill/tenant';
import { configured } from '@waybill/testkit';

export const trace = { topic: 'wialon.page.raw.v1', partition: 0, offset: 7, index: 3 };

/** The id of a fact that a test calls `name`: ids are hashes. */
export function entityId(name: string): string {
  return hashId('name', name);
}

export interface TripOptions {
  readonly id: string;
  readonly tenant: string;
  readonly unit: string;
  /** ISO instants. */
  readonly start: string;
  readonly end: string;
  readonly km?: number;
  readonly revision?: number;
  readonly retracted?: boolean;
  readonly cause?: TripCompleted['cause'];
}

export function trip(options: TripOptions): Message {
  const { id, tenant, unit, km = 12.34, revision = 1, retracted = false } = options;
  const start = Date.parse(options.start);
  const end = Date.parse(options.end);
  const value: TripCompleted = {
    tenant_id: tenant,
    unit,
    event_id: hashId('trip', tenant, id),
    event_time: end,
    provider_time: end + 5000,
    received_time: 1_700_000_000_000,
    revision,
    retracted,
    cause: options.cause ?? 'live',
    trace,
    trip_id: entityId(id),
    start_time: start,
    end_time: end,
    duration_s: (end - start) / 1000,
    distance_km: km,
    start_latitude: 40.7,
    start_longitude: -74.1,
    end_latitude: 40.8,
    end_longitude: -74.2,
    fix_count: 9,
    driver_code: null,
    finality: 'provisional',
    late_by_s: 0,
    replaced_by: null,
    rule_version: 1,
    first_fix: trace,
    last_fix: trace,
    inputs_hash: shortHash(id),
    rule: 'trip/1',
    distance_source: null,
    great_circle_km: null,
    odometer_km: null,
    left_out_count: null,
    is_private: null,
    settings_source: null,
    driver_source: null,
    driver_changes: null,
  };
  return { type: 'TripCompleted', value };
}

export function visit(options: {
  readonly id: string;
  readonly tenant: string;
  readonly unit: string;
  readonly geofence: string;
  readonly entered: string;
  readonly left: string | null;
  readonly revision?: number;
}): Message {
  const { id, tenant, unit, geofence, revision = 1 } = options;
  const entered = Date.parse(options.entered);
  const left = options.left === null ? null : Date.parse(options.left);
  const value: SiteVisited = {
    tenant_id: tenant,
    unit,
    event_id: hashId('visit', tenant, id),
    event_time: entered,
    provider_time: entered + 5000,
    received_time: 1_700_000_000_000,
    revision,
    retracted: false,
    cause: 'live',
    trace,
    visit_id: entityId(id),
    geofence_id: geofence,
    status: left === null ? 'ENTERED' : 'LEFT',
    entered_time: entered,
    left_time: left,
    dwell_s: left === null ? null : (left - entered) / 1000,
    finality: 'provisional',
    late_by_s: 0,
    replaced_by: null,
    rule_version: 1,
    first_fix: trace,
    last_fix: trace,
    rule: 'visit/1',
    entered_is_interpolated: null,
    entered_uncertainty_s: null,
    left_is_interpolated: null,
    left_uncertainty_s: null,
    fix_count: null,
    inputs_hash: null,
  };
  return { type: 'SiteVisited', value };
}

export function status(order: string, reached: TripStatusChanged['status'], at: string): Message {
  const time = Date.parse(at);
  const value: TripStatusChanged = {
    tenant_id: 'bay-cabs',
    unit: null,
    event_id: hashId('status', order, reached),
    event_time: time,
    provider_time: time,
    received_time: 1_700_000_000_000,
    revision: time,
    retracted: false,
    cause: 'live',
    trace,
    trip_id: order,
    status: reached,
    site_id: null,
  };
  return { type: 'TripStatusChanged', value };
}

export function mapping(
  tenant: string,
  ref: string,
  version: number,
  intervals: readonly MappingInterval[],
): Message {
  const [entity = '', telematicsId = ''] = ref.split('/');
  const value: IdMapped = {
    tenant_id: tenant,
    entity: entity as IdMapped['entity'],
    telematics_id: telematicsId,
    version,
    deleted: false,
    intervals,
  };
  return { type: 'IdMapped', value };
}

export function configuration(model: TenantModel, version = 1): Message {
  return { type: 'TenantConfigured', value: configured(model, { version }) };
}
