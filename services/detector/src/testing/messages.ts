import type {
  PositionRecorded,
  ProgressReached,
  SignalRecorded,
  ZoneDescribed,
  ZonePoint,
} from '@waybill/contracts';
import { fixId, signalId } from '@waybill/domain';

/** A fix as a test writes it; times in seconds. */
export interface Fixture {
  readonly t: number;
  readonly lat: number;
  readonly lon: number;
  /** Registration; default a second after `t`. */
  readonly rt?: number;
  readonly tenantId?: string;
  readonly unit?: string;
  readonly speed?: number;
  readonly driver?: string;
  /** What the device measured beside the position. */
  readonly signals?: Partial<PositionRecorded>;
  /** Wall time of receipt, ms; default registration. */
  readonly received?: number;
  /** Offset of the page it came in. */
  readonly offset?: number;
}

/** The unit of fixtures that name none. */
export const UNIT = 'wialon:7001';

/** A position as the transformer publishes it. */
export function position(fixture: Fixture): PositionRecorded {
  const tenantId = fixture.tenantId ?? 'bay-cabs';
  const unit = fixture.unit ?? UNIT;
  const eventTime = Math.round(fixture.t * 1000);
  const providerTime = Math.round((fixture.rt ?? fixture.t + 1) * 1000);
  const { lat: latitude, lon: longitude } = fixture;
  return {
    tenant_id: tenantId,
    unit,
    event_id: fixId({ tenantId, unit, eventTime, latitude, longitude }),
    event_time: eventTime,
    provider_time: providerTime,
    received_time: fixture.received ?? providerTime,
    revision: 0,
    retracted: false,
    cause: 'live',
    trace: { topic: 'wialon.page.raw.v1', partition: 0, offset: fixture.offset ?? 0, index: 0 },
    latitude,
    longitude,
    altitude_m: null,
    speed_kmh: fixture.speed ?? null,
    course_deg: null,
    satellites: null,
    ignition: null,
    odometer_km: null,
    driver_code: fixture.driver ?? null,
    engine_rpm: null,
    fuel_level_l: null,
    fuel_level_percent: null,
    engine_hours_h: null,
    is_private: null,
    ...fixture.signals,
  };
}

const PLACE: ReadonlySet<string> = new Set([
  'latitude',
  'longitude',
  'altitude_m',
  'course_deg',
  'satellites',
]);

/** What a device measured without a position, as the transformer publishes it. */
export function signal(fixture: Omit<Fixture, 'lat' | 'lon'>): SignalRecorded {
  const fields = Object.entries(position({ ...fixture, lat: 0, lon: 0 }));
  // A signal has all fields of a position but those of a place.
  const rest = Object.fromEntries(
    fields.filter(([name]) => !PLACE.has(name)),
  ) as unknown as SignalRecorded;
  const { tenant_id: tenantId, unit, event_time: eventTime } = rest;
  return { ...rest, event_id: signalId(tenantId, unit, eventTime, [fixture.speed ?? null]) };
}

/** Progress of a source to `t` seconds. */
export function progress(t: number, wishes: Partial<ProgressReached> = {}): ProgressReached {
  return {
    tenant_id: 'bay-cabs',
    source_id: 'wialon',
    complete_to_time: t * 1000,
    received_time: t * 1000 + 500,
    ...wishes,
  };
}

/** A polygon zone from [longitude, latitude] corners. */
export function zone(
  geofenceId: string,
  corners: readonly (readonly [number, number])[],
  wishes: { readonly tenantId?: string; readonly revision?: number } = {},
): ZoneDescribed {
  const points: ZonePoint[] = corners.map(([longitude, latitude]) => ({ latitude, longitude }));
  const revision = wishes.revision ?? 500;
  return {
    tenant_id: wishes.tenantId ?? 'bay-cabs',
    geofence_id: geofenceId,
    event_time: revision,
    revision,
    intervals: [
      {
        valid_from_time: null,
        valid_to_time: null,
        name: geofenceId,
        shape: 'POLYGON',
        width_m: 0,
        points,
      },
    ],
  };
}

/** A square zone around a point; `half` in degrees. */
export function square(geofenceId: string, lat: number, lon: number, half: number): ZoneDescribed {
  return zone(geofenceId, [
    [lon - half, lat - half],
    [lon + half, lat - half],
    [lon + half, lat + half],
    [lon - half, lat + half],
  ]);
}
