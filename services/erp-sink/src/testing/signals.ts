// What the rules about signals publish, one fact of each entity.
import type {
  FuelLevelChanged,
  GeofenceCrossed,
  IdleEnded,
  Message,
  OdometerRead,
  ServiceDue,
  ShiftWorked,
  Topic,
} from '@waybill/contracts';
import { topics } from '@waybill/contracts';
import { hashId, shortHash } from '@waybill/domain';
import { entityId, trace } from './events.ts';

export interface SignalOptions {
  readonly tenant: string;
  readonly unit: string;
  readonly geofence: string;
  readonly driver: string;
  /** ISO; everything lasts an hour from here. */
  readonly start: string;
  /** Local day of the end. */
  readonly date: string;
  readonly revision?: number;
  readonly retracted?: boolean;
  readonly volumeL?: number;
  readonly movingS?: number;
}

export interface Published {
  readonly entity: string;
  readonly topic: Topic;
  readonly key: string;
  readonly message: Message;
}

/** One fact of every entity but trips, visits and orders; revised by the same options but `revision`. */
export function signals(options: SignalOptions): readonly Published[] {
  const { tenant, unit, geofence, driver, date, revision = 1, retracted = false } = options;
  const start = Date.parse(options.start);
  const end = start + 3_600_000;
  const common = (entity: string) => ({
    tenant_id: tenant,
    event_id: hashId(entity, tenant),
    event_time: end,
    provider_time: end + 5000,
    received_time: 1_700_000_000_000,
    revision,
    retracted,
    cause: 'live' as const,
    trace,
    finality: 'provisional' as const,
    late_by_s: 0,
    replaced_by: null,
    rule: `${entity}/1`,
    rule_version: 1,
    first_fix: trace,
    last_fix: trace,
    fix_count: 9,
    inputs_hash: shortHash(entity),
  });
  const place = { latitude: 40.7, longitude: -74.1 };
  const idle: IdleEnded = {
    ...common('idle'),
    ...place,
    unit,
    idle_id: entityId('idle'),
    start_time: start,
    end_time: end,
    duration_s: 3600,
  };
  const fuel: FuelLevelChanged = {
    ...common('fuel_level'),
    ...place,
    unit,
    change_id: entityId('fuel_level'),
    kind: 'REFUEL',
    start_time: start,
    end_time: end,
    volume_l: options.volumeL ?? 41.3,
    volume_error_l: 0.4,
    level_before_l: 12,
    level_after_l: 53.3,
    tank_l: 80,
    confidence: 'HIGH',
  };
  const odometer: OdometerRead = {
    ...common('odometer'),
    unit,
    reading_id: entityId('odometer'),
    business_date: date,
    odometer_km: 120_345.67,
    engine_hours_h: 4321.5,
    distance_km: 88.21,
    reset_count: 0,
    implausible_count: 1,
  };
  const due: ServiceDue = {
    ...common('work_order'),
    unit,
    due_id: entityId('work_order'),
    interval_id: 3,
    interval_name: 'Oil',
    cycle: 2,
    due_by: 'DISTANCE',
    due_km: 120_500,
    due_engine_hours_h: null,
    due_time: null,
    odometer_km: 120_000.5,
    engine_hours_h: null,
  };
  const shift: ShiftWorked = {
    ...common('shift'),
    shift_id: entityId('shift'),
    driver_code: driver,
    start_time: start,
    end_time: end,
    duration_s: 3600,
    moving_s: options.movingS ?? 2400,
    activity_count: 2,
    units: [unit],
    business_date: date,
  };
  const crossing: GeofenceCrossed = {
    ...common('geofence'),
    ...place,
    unit,
    geofence_id: geofence,
    crossing: 'DWELLED',
    is_interpolated: true,
    uncertainty_s: 0,
    entered_time: start,
    dwell_s: 3600,
  };
  const ofUnit = `${tenant}/${unit}`;
  const of = (entity: string, topic: Topic, key: string, type: string, value: object) => ({
    entity,
    topic,
    key,
    message: { type, value },
  });
  return [
    of('idle', topics.idle, ofUnit, 'IdleEnded', idle),
    of('fuel_level', topics.fuelLevel, ofUnit, 'FuelLevelChanged', fuel),
    of('odometer', topics.odometer, ofUnit, 'OdometerRead', odometer),
    of('work_order', topics.workOrder, ofUnit, 'ServiceDue', due),
    of('shift', topics.shift, `${tenant}/${driver}`, 'ShiftWorked', shift),
    of('geofence', topics.geofence, ofUnit, 'GeofenceCrossed', crossing),
  ];
}
