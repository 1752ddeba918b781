import { topics, type PositionRecorded } from '@waybill/contracts';
import { fixId, taskKey } from '@waybill/domain';
import { reject, type RecordAddress, type RejectionCode, type Verdict } from './transformed.ts';

const contract = topics.position.contracts.PositionRecorded;

/** What a provider measured; null where it says nothing. */
export interface Fix {
  readonly unit: string;
  /** Device time, ms. */
  readonly eventTime: number;
  /** When the provider registered it, ms; null = it does not say. */
  readonly providerTime: number | null;
  readonly latitude: number;
  readonly longitude: number;
  readonly altitudeM?: number | null;
  readonly speedKmh?: number | null;
  readonly courseDeg?: number | null;
  readonly satellites?: number | null;
  readonly ignition?: boolean | null;
  readonly engineRpm?: number | null;
  readonly fuelLevelL?: number | null;
  readonly fuelLevelPercent?: number | null;
  readonly odometerKm?: number | null;
  readonly engineHoursH?: number | null;
  readonly isPrivate?: boolean | null;
  readonly driverCode?: string | null;
}

/** Where a fix came from. */
export interface FixOrigin {
  readonly tenantId: string;
  /** Wall time of the answer or request, ms. */
  readonly receivedTime: number;
  readonly address: RecordAddress;
  readonly index: number;
}

const CODE_OF_PATH: ReadonlyMap<string, RejectionCode> = new Map([
  ['event_time', 'TIME_INVALID'],
  ['provider_time', 'TIME_INVALID'],
  ['latitude', 'POSITION_INVALID'],
  ['longitude', 'POSITION_INVALID'],
  ['unit', 'UNIT_UNKNOWN'],
]);

/** The position event of a fix. The contract has the last word: what breaks it is refused. */
export function recordFix(fix: Fix, origin: FixOrigin): Verdict {
  const { unit, eventTime, latitude, longitude } = fix;
  const { tenantId, receivedTime, address, index } = origin;
  const value: PositionRecorded = {
    tenant_id: tenantId,
    unit,
    event_id: fixId({ tenantId, unit, eventTime, latitude, longitude }),
    event_time: eventTime,
    provider_time: fix.providerTime ?? receivedTime,
    received_time: receivedTime,
    revision: receivedTime,
    retracted: false,
    cause: 'live',
    trace: { topic: address.topic, partition: address.partition, offset: address.offset, index },
    latitude,
    longitude,
    altitude_m: fix.altitudeM ?? null,
    speed_kmh: fix.speedKmh ?? null,
    course_deg: fix.courseDeg ?? null,
    satellites: fix.satellites ?? null,
    ignition: fix.ignition ?? null,
    odometer_km: fix.odometerKm ?? null,
    driver_code: fix.driverCode ?? null,
    engine_rpm: fix.engineRpm ?? null,
    fuel_level_l: fix.fuelLevelL ?? null,
    fuel_level_percent: fix.fuelLevelPercent ?? null,
    engine_hours_h: fix.engineHoursH ?? null,
    is_private: fix.isPrivate ?? null,
  };
  const broken = contract.violations(value);
  if (broken.length > 0) {
    const code = CODE_OF_PATH.get(broken[0]?.path ?? '') ?? 'CONTRACT_VIOLATED';
    return reject(code, broken, unit, eventTime);
  }
  return {
    kind: 'event',
    event: { contract: 'PositionRecorded', key: taskKey(tenantId, unit), value },
  };
}
