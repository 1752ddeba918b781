// Contract values for tests; every test states only what it is about.
import type {
  DeliverySettled,
  ElementRejected,
  IdleEnded,
  PageFetched,
  PositionRecorded,
  RawAddress,
  SiteVisited,
  TaskRaised,
  TripCompleted,
} from '@waybill/contracts';
import { fixId, hashId } from '@waybill/domain';

export const RAW = 'wialon.page.raw.v1';
export const T0 = Date.parse('2015-12-10T04:00:00Z');

export function address(offset: number, index = 0): RawAddress {
  return { topic: RAW, partition: 1, offset, index };
}

export function page(change: Partial<PageFetched> = {}): PageFetched {
  return {
    tenant_id: 'hudson-waste',
    source_id: 'wialon',
    account: 'hudson-waste',
    page_id: hashId('page', change.first_index ?? 0),
    call: 'messages/get_messages',
    parameters: '{"indexFrom":0,"indexTo":199}',
    unit: 'wialon:8001',
    window_from_time: T0 - 3_600_000,
    window_to_time: T0,
    session_hash: '0123456789abcdef',
    received_time: T0 + 1000,
    provider_now_time: null,
    first_index: 0,
    message_count: 3,
    part: 0,
    parts: 1,
    body_sha256: 'a'.repeat(64),
    unusable_reason: null,
    http_status: null,
    content_type: null,
    body_bytes: null,
    body: Buffer.from('[]'),
    ...change,
  };
}

/** A fix `second` seconds after T0. */
export function fix(second: number, change: Partial<PositionRecorded> = {}): PositionRecorded {
  const unit = change.unit ?? 'wialon:8001';
  const event_time = T0 + second * 1000;
  return {
    tenant_id: 'hudson-waste',
    unit,
    event_id: fixId({
      tenantId: 'hudson-waste',
      unit,
      eventTime: event_time,
      latitude: 40,
      longitude: -74,
    }),
    event_time,
    provider_time: event_time + 5000,
    received_time: T0,
    revision: 1,
    retracted: false,
    cause: 'live',
    trace: address(0, second),
    latitude: 40,
    longitude: -74,
    altitude_m: null,
    speed_kmh: null,
    course_deg: null,
    satellites: null,
    ignition: null,
    odometer_km: null,
    driver_code: null,
    engine_rpm: null,
    fuel_level_l: null,
    fuel_level_percent: null,
    engine_hours_h: null,
    is_private: null,
    ...change,
  };
}

export function trip(id: string, change: Partial<TripCompleted> = {}): TripCompleted {
  return {
    tenant_id: 'hudson-waste',
    unit: 'wialon:8001',
    event_id: hashId('trip', 'hudson-waste', id),
    event_time: T0 + 600_000,
    provider_time: T0 + 605_000,
    received_time: T0 + 606_000,
    revision: 1,
    retracted: false,
    cause: 'live',
    trace: address(12, 4),
    trip_id: id,
    start_time: T0,
    end_time: T0 + 600_000,
    duration_s: 600,
    distance_km: 4.2,
    start_latitude: 40.7,
    start_longitude: -74.1,
    end_latitude: 40.71,
    end_longitude: -74.08,
    fix_count: 61,
    driver_code: null,
    finality: 'provisional',
    late_by_s: 0,
    replaced_by: null,
    rule_version: 1,
    first_fix: address(10, 0),
    last_fix: address(12, 4),
    inputs_hash: 'f00df00df00df00d',
    rule: 'trip/1',
    distance_source: null,
    great_circle_km: null,
    odometer_km: null,
    left_out_count: null,
    is_private: null,
    settings_source: null,
    driver_source: null,
    driver_changes: null,
    ...change,
  };
}

export function visit(id: string, change: Partial<SiteVisited> = {}): SiteVisited {
  return {
    tenant_id: 'hudson-waste',
    unit: 'wialon:8001',
    event_id: hashId('visit', 'hudson-waste', id),
    event_time: T0,
    provider_time: T0 + 5000,
    received_time: T0 + 6000,
    revision: 1,
    retracted: false,
    cause: 'live',
    trace: address(10, 1),
    visit_id: id,
    geofence_id: 'wialon:700_1',
    status: 'ENTERED',
    entered_time: T0,
    left_time: null,
    dwell_s: null,
    finality: 'provisional',
    late_by_s: 0,
    replaced_by: null,
    rule_version: 1,
    first_fix: address(10, 1),
    last_fix: address(10, 2),
    rule: 'visit/1',
    entered_is_interpolated: null,
    entered_uncertainty_s: null,
    left_is_interpolated: null,
    left_uncertainty_s: null,
    fix_count: null,
    inputs_hash: null,
    ...change,
  };
}

export function idle(id: string): IdleEnded {
  return {
    tenant_id: 'hudson-waste',
    unit: 'wialon:8001',
    event_id: hashId('idle', 'hudson-waste', id),
    event_time: T0 + 600_000,
    provider_time: T0 + 605_000,
    received_time: T0 + 606_000,
    revision: 1,
    retracted: false,
    cause: 'live',
    trace: address(10, 1),
    idle_id: id,
    start_time: T0,
    end_time: T0 + 600_000,
    duration_s: 600,
    latitude: null,
    longitude: null,
    finality: 'provisional',
    late_by_s: 0,
    replaced_by: null,
    rule: 'idle/1',
    rule_version: 1,
    first_fix: address(10, 1),
    last_fix: address(10, 2),
    fix_count: 60,
    inputs_hash: 'a1',
  };
}

export function delivery(
  of: { readonly event_id: string; readonly tenant_id: string; readonly unit: string | null },
  change: Partial<DeliverySettled> = {},
): DeliverySettled {
  return {
    tenant_id: of.tenant_id,
    unit: of.unit,
    event_id: of.event_id,
    entity: 'trip',
    entity_id: 'T-1',
    target: 'erp',
    event_time: T0 + 600_000,
    provider_time: T0 + 605_000,
    received_time: T0 + 606_000,
    delivered_time: T0 + 606_250,
    revision: 1,
    activation: 1,
    resolution: 1,
    outcome: 'INSERTED',
    reason: null,
    attempts: 1,
    erp_table: 'trip',
    erp_key: 'T-1',
    erp_vehicle_id: 'TRK-E-1',
    business_date: '2015-12-09',
    amendment_kind: null,
    changed_fields: [],
    ...change,
  };
}

export function rejected(id: string, change: Partial<ElementRejected> = {}): ElementRejected {
  return {
    service: 'transformer',
    element_id: hashId('element', id),
    tenant_id: 'hudson-waste',
    unit: 'wialon:8001',
    code: 'CONTRACT_VIOLATED',
    kind: 'malformed',
    category: 'validation',
    message: 'latitude: expected at most 90, found 123.4',
    violations: [{ path: 'latitude', message: 'expected at most 90, found 123.4' }],
    attempts: 1,
    rejected_time: T0,
    event_time: T0,
    original: Buffer.from('{}'),
    trace: address(11, 2),
    ...change,
  };
}

export function task(id: string, change: Partial<TaskRaised> = {}): TaskRaised {
  return {
    tenant_id: 'hudson-waste',
    task_id: hashId('task', id),
    kind: 'BEYOND_GRACE',
    status: 'OPEN',
    unit: 'wialon:8001',
    business_date: '2015-12-09',
    fix_count: 1,
    first_event_time: T0,
    last_event_time: T0,
    max_late_by_s: 28_800,
    revision: 1,
    detail: '1 fix came 8 h late',
    trace: address(14, 0),
    ...change,
  };
}
