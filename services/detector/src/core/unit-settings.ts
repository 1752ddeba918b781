import type {
  AssetDescribed,
  AssetInterval,
  AssignmentPlanned,
  DriverBindingInterval,
  DriverBound,
} from '@waybill/contracts';
import { hashId } from '@waybill/domain';

/** A value and when it holds, ms; from inclusive, to exclusive. */
export interface Valid<T> {
  readonly from: number;
  readonly to: number;
  readonly value: T;
}

/** What the provider says about a unit, as far as results depend on it. */
export type ProviderSettings = Pick<AssetInterval, 'trip_detector' | 'service_intervals'> & {
  /** Services by distance are counted by GPS at the provider, and here by the odometer in messages. */
  readonly plansKmByGps: boolean;
};

/** Whom the provider or the plan puts on a unit. */
export interface Assignment {
  readonly driver: string;
  readonly source: 'BINDING' | 'PLAN';
}

/** What the tables say about one unit over event time; built from them, never changed in place. */
export interface UnitSettings {
  /** Without overlap, oldest first. */
  readonly provider: readonly Valid<ProviderSettings>[];
  /** The provider's bindings, then the plan's: of those that hold at a time the first counts. */
  readonly assignments: readonly Valid<Assignment>[];
  /** Hash of all that changes a result; '' = nothing is known. */
  readonly fingerprint: string;
  /** Newest change of these tables, ms. */
  readonly changedTime: number;
}

/** Of a unit that no table knows. */
export const NO_SETTINGS: UnitSettings = Object.freeze({
  provider: Object.freeze([]),
  assignments: Object.freeze([]),
  fingerprint: '',
  changedTime: 0,
});

interface Bounds {
  readonly valid_from_time: number | null;
  readonly valid_to_time: number | null;
}

function valid<T>(bounds: Bounds, value: T): Valid<T> {
  const { valid_from_time: from, valid_to_time: to } = bounds;
  return { from: from ?? -Infinity, to: to ?? Infinity, value };
}

/** `counter_flags`: the low digit says what counts distance, 0 GPS, 3 GPS while the ignition is on. */
function plansKmByGps({ service_intervals, counter_flags: flags }: AssetInterval): boolean {
  if (flags === null || !service_intervals.some(({ interval_km: km }) => km > 0)) return false;
  return (flags & 15) === 0 || (flags & 15) === 3;
}

/** Neighbours that say the same as one: an edit of a name is no edit of a setting. */
function joined(intervals: readonly Valid<ProviderSettings>[]): Valid<ProviderSettings>[] {
  const result: Valid<ProviderSettings>[] = [];
  for (const interval of intervals) {
    const before = result.at(-1);
    const isSame =
      before !== undefined &&
      before.to === interval.from &&
      JSON.stringify(before.value) === JSON.stringify(interval.value);
    if (isSame) result[result.length - 1] = { ...before, to: interval.to };
    else result.push(interval);
  }
  return result;
}

/** What a trip's contract takes as a driver code. */
const DRIVER_CODE = /^[A-Za-z0-9_-]{1,32}$/;

/** A driver is named by the code that messages carry, else by the provider's id. */
function driverName({ driver_code: code, driver_id: id }: DriverBindingInterval): string {
  return code !== null && DRIVER_CODE.test(code)
    ? code
    : id.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 32);
}

function bindings(bound: DriverBound | undefined): Valid<Assignment>[] {
  return (bound?.intervals ?? []).map((interval) =>
    valid(interval, { driver: driverName(interval), source: 'BINDING' }),
  );
}

function plans(planned: AssignmentPlanned | undefined): Valid<Assignment>[] {
  return (planned?.intervals ?? []).map((interval) =>
    valid(interval, { driver: interval.driver_code, source: 'PLAN' }),
  );
}

/** The settings of a unit from its tables. */
export function unitSettingsOf(
  asset: AssetDescribed | undefined,
  bound: DriverBound | undefined,
  planned: AssignmentPlanned | undefined,
): UnitSettings {
  if (asset === undefined && bound === undefined && planned === undefined) return NO_SETTINGS;
  const provider = joined(
    (asset?.intervals ?? []).map((interval) => {
      const { trip_detector, service_intervals } = interval;
      const settings = { trip_detector, service_intervals };
      return valid(interval, { ...settings, plansKmByGps: plansKmByGps(interval) });
    }),
  );
  const assignments = [...bindings(bound), ...plans(planned)];
  const isEmpty =
    assignments.length === 0 &&
    provider.every(
      ({ value }) => value.trip_detector === null && value.service_intervals.length === 0,
    );
  if (isEmpty) return NO_SETTINGS;
  const said = JSON.stringify([provider, assignments], (_key, value: unknown) =>
    value === Infinity || value === -Infinity ? String(value) : value,
  );
  return {
    provider,
    assignments,
    fingerprint: hashId(said),
    changedTime: Math.max(asset?.revision ?? 0, bound?.revision ?? 0, planned?.revision ?? 0),
  };
}

/** The value that holds at an event time, ms. */
export function at<T>(intervals: readonly Valid<T>[], time: number): T | undefined {
  for (const interval of intervals) {
    if (time >= interval.from && time < interval.to) return interval.value;
  }
  return undefined;
}

/** True when the same value, or none, holds at all times from one to the other, ms, both inclusive. */
export function isConstant(
  intervals: readonly Valid<unknown>[],
  from: number,
  to: number,
): boolean {
  for (const interval of intervals) {
    const isBorder =
      (interval.from > from && interval.from <= to) || (interval.to > from && interval.to <= to);
    if (isBorder) return false;
  }
  return true;
}
