import type {
  FuelLevelChanged,
  GeofenceCrossed,
  IdleEnded,
  OdometerRead,
  ServiceDue,
  ShiftWorked,
  SiteVisited,
  TripCompleted,
  TripStatusChanged,
} from '@waybill/contracts';

/** Contracts that the sink delivers, by the entity that they are about. */
export interface Facts {
  readonly trip: TripCompleted;
  readonly site_visit: SiteVisited;
  readonly transport_order: TripStatusChanged;
  readonly idle: IdleEnded;
  readonly fuel_level: FuelLevelChanged;
  readonly odometer: OdometerRead;
  readonly work_order: ServiceDue;
  readonly shift: ShiftWorked;
  readonly geofence: GeofenceCrossed;
}

export type Entity = keyof Facts;

/** Fields that are no instants. */
export type Plain = Readonly<Record<string, string | number | boolean | null>>;

export const VEHICLE = 'vehicle/';
export const SITE = 'site/';
export const DRIVER = 'driver/';

/** How an entity becomes deliverable: everything that differs between entities stands here. */
export interface Shape<V> {
  /** Record name of the contract. */
  readonly contract: string;
  /** Stable id of the entity, the key of its ERP row. */
  readonly id: (value: V) => string;
  /** Ids of both systems that it names, as `<entity>/<telematics id>`. */
  readonly refs: (value: V) => readonly string[];
  /** Day on which it counts: an instant, or the day that the fact itself names; null for orders. */
  readonly date: ((value: V) => number | string) | null;
  /** Fields that are delivered as they stand. */
  readonly plain: readonly (keyof V)[];
  readonly instants: readonly (keyof V)[];
  /** What is not delivered as it stands. */
  readonly more?: (value: V) => Plain;
}

const ofUnit = ({ unit }: { readonly unit: string }): readonly string[] => [`${VEHICLE}${unit}`];

const ofZone = (value: { readonly unit: string; readonly geofence_id: string }) => [
  ...ofUnit(value),
  `${SITE}${value.geofence_id}`,
];

const whenHappened = ({ event_time: at }: { readonly event_time: number }): number => at;

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

/** Every entity that is delivered. */
export const shapes: { readonly [E in Entity]: Shape<Facts[E]> } = {
  trip: {
    contract: 'TripCompleted',
    id: ({ trip_id: id }) => id,
    refs: ofUnit,
    date: ({ end_time: end }) => end,
    plain: ['duration_s', 'distance_km', 'driver_code', 'fix_count'],
    instants: ['start_time', 'end_time'],
    more: placesOf,
  },
  site_visit: {
    contract: 'SiteVisited',
    id: ({ visit_id: id }) => id,
    refs: ofZone,
    date: ({ entered_time: entered }) => entered,
    plain: ['dwell_s', 'status'],
    instants: ['entered_time', 'left_time'],
  },
  transport_order: {
    contract: 'TripStatusChanged',
    id: ({ trip_id: id }) => id,
    // The order reference is the ERP's own.
    refs: () => [],
    date: null,
    plain: ['status'],
    instants: ['event_time'],
  },
  idle: {
    contract: 'IdleEnded',
    id: ({ idle_id: id }) => id,
    refs: ofUnit,
    date: whenHappened,
    plain: ['duration_s', 'latitude', 'longitude'],
    instants: ['start_time', 'end_time'],
  },
  fuel_level: {
    contract: 'FuelLevelChanged',
    id: ({ change_id: id }) => id,
    refs: ofUnit,
    date: whenHappened,
    plain: [
      'kind',
      'volume_l',
      'volume_error_l',
      'level_before_l',
      'level_after_l',
      'tank_l',
      'confidence',
      'latitude',
      'longitude',
    ],
    instants: ['start_time', 'end_time'],
  },
  odometer: {
    contract: 'OdometerRead',
    id: ({ reading_id: id }) => id,
    refs: ofUnit,
    date: ({ business_date: day }) => day,
    plain: ['odometer_km', 'engine_hours_h', 'distance_km', 'reset_count', 'implausible_count'],
    instants: ['event_time'],
  },
  work_order: {
    contract: 'ServiceDue',
    id: ({ due_id: id }) => id,
    refs: ofUnit,
    date: whenHappened,
    plain: [
      'interval_id',
      'interval_name',
      'cycle',
      'due_by',
      'due_km',
      'due_engine_hours_h',
      'odometer_km',
      'engine_hours_h',
    ],
    instants: ['event_time', 'due_time'],
  },
  shift: {
    contract: 'ShiftWorked',
    id: ({ shift_id: id }) => id,
    refs: ({ driver_code: code }) => [`${DRIVER}${code}`],
    date: ({ business_date: day }) => day,
    plain: ['driver_code', 'duration_s', 'moving_s', 'activity_count', 'finality'],
    instants: ['start_time', 'end_time'],
    more: ({ units }) => ({ units: units.join(' ') }),
  },
  geofence: {
    contract: 'GeofenceCrossed',
    // A crossing is a point: another one is another row.
    id: ({ event_id: id }) => id,
    refs: ofZone,
    date: whenHappened,
    plain: [
      'geofence_id',
      'crossing',
      'dwell_s',
      'latitude',
      'longitude',
      'is_interpolated',
      'uncertainty_s',
    ],
    instants: ['event_time', 'entered_time'],
  },
};
