import type { UnitSettings } from './unit-settings.ts';
import type { ZoneIndex } from './zone-index.ts';

export interface TripRule {
  /** Where movement comes from; a fix without recorded speed falls back to positions. */
  readonly movementSource: 'position' | 'speed';
  /** A fix is moving above this, km/h. */
  readonly minSpeedKmh: number;
  /** A standstill, or a gap, of this length ends a run, ms. */
  readonly stayMs: number;
  /** Shorter trips are dropped, m. */
  readonly minDistanceM: number;
  /** A run also ends when the clock passes the newest fix by this, ms. */
  readonly silenceMs: number;
}

export interface VisitRule {
  /** Consecutive fixes that confirm a change. */
  readonly confirmFixes: number;
  /** After more than this without a fix a visit ends as UNKNOWN_EXIT, ms. */
  readonly silenceMs: number;
}

/** All that decides about a tenant's units; built from its tables, never changed in place. */
export interface Rules {
  readonly tenantId: string;
  readonly trip: TripRule;
  readonly visit: VisitRule;
  readonly zones: ZoneIndex;
  /** Settings of the unit that is folded with these rules. */
  readonly unit: UnitSettings;
  /** Fixes that are later than this are not applied, ms. */
  readonly graceMs: number;
  /** What a range is kept beyond grace before its facts are called final, ms. */
  readonly marginMs: number;
  /** IANA zone of the business day. */
  readonly timeZone: string;
  /** Planned assignments count where nothing else says who drove. */
  readonly usesPlannedDrivers: boolean;
  readonly publishesTrips: boolean;
  readonly publishesVisits: boolean;
  /** Pull sources whose progress makes the tenant's clock. */
  readonly pullSources: readonly string[];
  /** Hash of all that changes a result, the unit's settings aside. */
  readonly fingerprint: string;
  /** Version of the tenant's configuration: which settings a fact was cut with. */
  readonly version: number;
  /** Newest change of the tables that these rules come from, ms. */
  readonly changedTime: number;
}
