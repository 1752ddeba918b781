import type { FuelRule } from './fuel-state.ts';
import type { IdleRule } from './idle-fold.ts';
import type { MeterRule } from './meter-fold.ts';
import type { ServiceRule } from './service-fold.ts';
import type { SettingsProblem } from './trip-settings.ts';
import type { UnitSettings } from './unit-settings.ts';
import type { ZoneIndex } from './zone-index.ts';

/**
 * How a unit's trips are cut. The parameters mean what Wialon's trip detector means by them; two flags say
 * where our own rule and Wialon's differ.
 */
export interface TripRule {
  /**
   * Where movement comes from; a fix that lacks the signal falls back to recorded speed, one without
   * that to positions.
   */
  readonly movementSource: 'position' | 'speed' | 'ignition' | 'odometer';
  /** A fix is moving above this, km/h. */
  readonly minSpeedKmh: number;
  /** The least speed itself is movement (Wialon) or standing (ours). */
  readonly isMinSpeedMoving: boolean;
  /** Ignition and odometer: a fix below the least speed stands, whatever the signal says. */
  readonly checksSpeed: boolean;
  /** Positions of fewer satellites are not used; 0 = all are. */
  readonly minSatellites: number;
  /** A standstill of this length ends a run, ms. */
  readonly stayMs: number;
  /** A stay begins with the first standing fix (Wialon), or with the last moving one (ours). */
  readonly staysFromStanding: boolean;
  /** Two fixes this far apart belong to no common run and tell no speed, ms. */
  readonly gapMs: number;
  /** A longer step between two fixes ends a run, m. */
  readonly maxStepM: number;
  /** Shorter trips are dropped, ms. */
  readonly minDurationMs: number;
  /** Shorter trips are dropped, m. */
  readonly minDistanceM: number;
  /** A run also ends when the clock passes the newest fix by this, ms. */
  readonly silenceMs: number;
  /** What a trip's distance is; great circle where the unit has no odometer. */
  readonly distanceSource: 'great_circle' | 'odometer';
  readonly settingsSource: 'tenant' | 'unit';
}

/** A unit's own trip rule and the event times for which it holds, ms, from inclusive to exclusive. */
export interface TripVersion {
  readonly from: number;
  readonly to: number;
  readonly rule: TripRule;
}

/** A change of state towards a zone is confirmed by any of these. */
export interface VisitRule {
  /** Consecutive fixes in the new state. */
  readonly confirmFixes: number;
  /** Time from the first to another fix in the new state, ms; Infinity = never. */
  readonly confirmMs: number;
  /** A silence of this length behind a fix in the new state, ms; Infinity = never. */
  readonly confirmSilenceMs: number;
  /** Distance of a fix from the edge, m; Infinity = never. */
  readonly confirmDepthM: number;
  /** Between fixes at most this far apart the time of the crossing is interpolated, ms; 0 = never. */
  readonly interpolateMs: number;
  /** After more than this without a fix a visit ends as UNKNOWN_EXIT, ms. */
  readonly silenceMs: number;
  /** Staying this long is an event of its own, ms. */
  readonly dwellMs: number;
}

/** Which of the further events the tenant wants. */
export interface Publishes {
  readonly idle: boolean;
  readonly fuelLevel: boolean;
  readonly odometer: boolean;
  readonly serviceDue: boolean;
  readonly shift: boolean;
}

/** All that decides about a tenant's units; built from its tables, never changed in place. */
export interface Rules {
  readonly tenantId: string;
  /** The tenant's; see `tripRuleAt`. */
  readonly trip: TripRule;
  /** True where the tenant wants trips to be cut by the unit's own settings. */
  readonly wantsUnitTrip: boolean;
  /** The unit's own, where the tenant wants these; none overlap. */
  readonly unitTrip: readonly TripVersion[];
  /** What was wrong with the unit's own settings of trips. */
  readonly unitFlaws: readonly SettingsProblem[];
  /** A fix that needs more than this to both neighbours while these agree is left out, km/h. */
  readonly outlierSpeedKmh: number;
  readonly visit: VisitRule;
  readonly idle: IdleRule;
  readonly fuel: FuelRule;
  readonly meter: MeterRule;
  readonly service: ServiceRule;
  readonly zones: ZoneIndex;
  /** Settings of the unit that is folded with these rules. */
  readonly unit: UnitSettings;
  /** Fixes that are later than this are not applied, ms. */
  readonly graceMs: number;
  /** Days with positions beyond grace are recomputed when they are quiet. */
  readonly recomputesLate: boolean;
  /** What a range is kept beyond grace before its facts are called final, ms. */
  readonly marginMs: number;
  /** IANA zone of the business day. */
  readonly timeZone: string;
  /** Planned assignments count where nothing else says who drove. */
  readonly usesPlannedDrivers: boolean;
  /** The newest position of each unit, and one sample per unit and minute. */
  readonly publishesPositions: boolean;
  readonly publishesMinutes: boolean;
  readonly publishesTrips: boolean;
  readonly publishesVisits: boolean;
  readonly publishesCrossings: boolean;
  readonly publishes: Publishes;
  /** Pull sources whose progress makes the tenant's clock. */
  readonly pullSources: readonly string[];
  /** Hash of all that changes a result, the unit's settings aside. */
  readonly fingerprint: string;
  /** Version of the tenant's configuration: which settings a fact was cut with. */
  readonly version: number;
  /** Newest change of the tables that these rules come from, ms. */
  readonly changedTime: number;
}

/** The trip rule that holds for a unit at an event time, ms. */
export function tripRuleAt({ trip, unitTrip }: Rules, time: number): TripRule {
  for (const { from, to, rule } of unitTrip) if (time >= from && time < to) return rule;
  return trip;
}
