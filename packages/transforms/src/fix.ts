import {
  topics,
  type PositionRecorded,
  type SignalRecorded,
  type Violation,
} from '@waybill/contracts';
import { fixId, signalId, taskKey } from '@waybill/domain';
import {
  reject,
  skip,
  type RecordAddress,
  type RejectionCode,
  type Verdict,
} from './transformed.ts';

const contract = topics.position.contracts.PositionRecorded;
const signalContract = topics.position.contracts.SignalRecorded;

/** What a device measured beside a position; null where it says nothing. */
export interface Signals {
  readonly speedKmh?: number | null;
  readonly ignition?: boolean | null;
  readonly engineRpm?: number | null;
  readonly fuelLevelL?: number | null;
  readonly fuelLevelPercent?: number | null;
  readonly odometerKm?: number | null;
  readonly engineHoursH?: number | null;
  readonly driverCode?: string | null;
  readonly isPrivate?: boolean | null;
}

interface Origin {
  readonly unit: string;
  /** Device time, ms. */
  readonly eventTime: number;
  /** When the provider registered it, ms; null = it does not say. */
  readonly providerTime: number | null;
}

/** What a provider measured; null where it says nothing. */
export interface Fix extends Signals, Origin {
  readonly latitude: number;
  readonly longitude: number;
  readonly altitudeM?: number | null;
  readonly courseDeg?: number | null;
  readonly satellites?: number | null;
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

type Envelope = Omit<SignalRecorded, 'event_id'>;

function recordOf(fix: Signals & Origin, origin: FixOrigin): Envelope {
  const { tenantId, receivedTime, address, index } = origin;
  return {
    tenant_id: tenantId,
    unit: fix.unit,
    event_time: fix.eventTime,
    provider_time: fix.providerTime ?? receivedTime,
    received_time: receivedTime,
    revision: receivedTime,
    retracted: false,
    cause: 'live',
    trace: { topic: address.topic, partition: address.partition, offset: address.offset, index },
    speed_kmh: fix.speedKmh ?? null,
    ignition: fix.ignition ?? null,
    odometer_km: fix.odometerKm ?? null,
    driver_code: fix.driverCode ?? null,
    engine_rpm: fix.engineRpm ?? null,
    fuel_level_l: fix.fuelLevelL ?? null,
    fuel_level_percent: fix.fuelLevelPercent ?? null,
    engine_hours_h: fix.engineHoursH ?? null,
    is_private: fix.isPrivate ?? null,
  };
}

function refused(broken: readonly Violation[], { unit, eventTime }: Origin): Verdict {
  const code = CODE_OF_PATH.get(broken[0]?.path ?? '') ?? 'CONTRACT_VIOLATED';
  return reject(code, broken, unit, eventTime);
}

/** The position event of a fix. The contract has the last word: what breaks it is refused. */
export function recordFix(fix: Fix, origin: FixOrigin): Verdict {
  const { unit, eventTime, latitude, longitude } = fix;
  const { tenantId } = origin;
  const value: PositionRecorded = {
    ...recordOf(fix, origin),
    event_id: fixId({ tenantId, unit, eventTime, latitude, longitude }),
    latitude,
    longitude,
    altitude_m: fix.altitudeM ?? null,
    course_deg: fix.courseDeg ?? null,
    satellites: fix.satellites ?? null,
  };
  const broken = contract.violations(value);
  if (broken.length > 0) return refused(broken, fix);
  return {
    kind: 'event',
    event: { contract: 'PositionRecorded', key: taskKey(tenantId, unit), value },
  };
}

/** The event of a message without a position; a counted skip where it says nothing else either. */
export function recordSignals(signals: Signals & Origin, origin: FixOrigin): Verdict {
  const { unit, eventTime } = signals;
  const { tenantId } = origin;
  const record = recordOf(signals, origin);
  const values = [
    record.speed_kmh,
    record.ignition,
    record.odometer_km,
    record.driver_code,
    record.engine_rpm,
    record.fuel_level_l,
    record.fuel_level_percent,
    record.engine_hours_h,
    record.is_private,
  ];
  if (values.every((value) => value === null)) return skip('no_position');
  const value: SignalRecorded = {
    ...record,
    event_id: signalId(tenantId, unit, eventTime, values),
  };
  const broken = signalContract.violations(value);
  if (broken.length > 0) return refused(broken, signals);
  return {
    kind: 'event',
    event: { contract: 'SignalRecorded', key: taskKey(tenantId, unit), value },
  };
}
