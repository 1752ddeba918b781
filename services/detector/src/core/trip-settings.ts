import type { TripDetector } from '@waybill/contracts';
import type { TripRule, TripVersion } from './rules.ts';
import type { ProviderSettings, Valid } from './unit-settings.ts';

/** Kinds of Wialon's trip detector (`type`); all others count as speed, which every unit can have. */
const sources: Readonly<Record<number, TripRule['movementSource']>> = {
  1: 'speed',
  2: 'position',
  3: 'ignition',
  4: 'odometer',
  5: 'odometer',
};

/**
 * The rule that a unit's own settings at the provider make. What these do not say (silence, distance
 * source) stays the tenant's. Wialon: a speed equal to the least one is movement; by coordinates every
 * change of place is; a stay begins with the first standing message; filters by satellites and speed can
 * be switched off for ignition and mileage only.
 */
export function tripRuleOf(detector: TripDetector, tenant: TripRule): TripRule {
  const movementSource = sources[detector.detector] ?? 'speed';
  const hasCorrection =
    detector.gps_correction || movementSource === 'speed' || movementSource === 'position';
  return {
    movementSource,
    minSpeedKmh: movementSource === 'position' ? 0 : detector.min_moving_speed_kmh,
    isMinSpeedMoving: true,
    checksSpeed: hasCorrection,
    minSatellites: hasCorrection ? detector.min_satellites : 0,
    stayMs: Math.max(1, detector.min_stay_time_s) * 1000,
    staysFromStanding: true,
    gapMs: tenant.silenceMs,
    maxStepM: detector.max_messages_distance_m > 0 ? detector.max_messages_distance_m : Infinity,
    minDurationMs: detector.min_trip_time_s * 1000,
    minDistanceM: detector.min_trip_distance_m,
    silenceMs: tenant.silenceMs,
    distanceSource: tenant.distanceSource,
    settingsSource: 'unit',
  };
}

/** A mistake in the versions of a unit's settings. */
export type SettingsProblem =
  /** A version without settings of trips: the tenant's hold instead. */
  | 'no_settings'
  /** A version beside others that does not say since when it holds: it is not used. */
  | 'no_version'
  /** Two versions for one time: the one that began later holds. */
  | 'overlap'
  /** Services by distance whose counter is no odometer: they may be announced far too early or too late. */
  | 'km_by_gps';

/** Versions of a unit's trip rule by event time, without overlap, and what was wrong with the settings. */
export function tripVersionsOf(
  provider: readonly Valid<Pick<ProviderSettings, 'trip_detector'>>[],
  tenant: TripRule,
): { readonly versions: readonly TripVersion[]; readonly problems: readonly SettingsProblem[] } {
  const versions: TripVersion[] = [];
  const problems: SettingsProblem[] = [];
  const sorted = provider.toSorted((a, b) => (a.from === b.from ? 0 : a.from - b.from));
  // One that holds from ever is the first version; of several nobody knows which.
  const isUnversioned = sorted.filter(({ from }) => from === -Infinity).length > 1;
  for (const [i, { from, to, value }] of sorted.entries()) {
    const next = sorted[i + 1]?.from ?? Infinity;
    if (isUnversioned && from === -Infinity) problems.push('no_version');
    else if (value.trip_detector === null) problems.push('no_settings');
    else
      versions.push({
        from,
        to: Math.min(to, next),
        rule: tripRuleOf(value.trip_detector, tenant),
      });
    if (to !== Infinity && to > next) problems.push('overlap');
  }
  return { versions, problems };
}
