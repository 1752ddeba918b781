import type { Fix, LocatedFix } from './fix.ts';
import type { Inputs } from './inputs.ts';
import type { Valid } from './unit-settings.ts';

/** What decides about fuel events; volumes in litres. */
export interface FuelRule {
  /** A rise of at least this is a refuel. */
  readonly minRefuelL: number;
  /** A fall of at least this, or of that share of the tank when it is more, is a drain. */
  readonly minDrainL: number;
  readonly minDrainShare: number;
  /** Capacity of the tank as of event time, l; empty where nobody knows it. */
  readonly tanks: readonly Valid<number>[];
  /** The same of units that have their own. */
  readonly ownTanks: ReadonlyMap<string, readonly Valid<number>[]>;
  /** What a standing engine burns at most, l/h. */
  readonly idleBurnLPerH: number;
  /** What a drive burns at most, l/km. */
  readonly driveBurnLPerKm: number;
  /** A drain counts when the level is still low this long after moving off, ms. */
  readonly confirmMs: number;
}

/** A level with the fix that carried it, l. */
export interface Reading {
  readonly fix: Fix;
  readonly level: number;
  readonly isStanding: boolean;
}

/** A level that several readings agree on. */
export interface Anchor {
  /** l; falls by what a standing engine burns. */
  readonly level: number;
  /** How far the readings differ from each other, l. */
  readonly spread: number;
  /** Newest fix whose level agrees with it. */
  readonly fix: Fix;
  /** The unit stood for all of it. */
  readonly isRested: boolean;
  /** Its readings. */
  readonly inputs: Inputs;
}

export type FuelKind = 'REFUEL' | 'DRAIN' | 'UNEXPLAINED';

/** HIGH: rested before and after in one watched standstill; MEDIUM: rested; LOW: a side was not rested. */
export type FuelConfidence = 'HIGH' | 'MEDIUM' | 'LOW';

/** A change of level as cut from the fixes. Cuts of one unit never overlap. */
export interface FuelCut {
  readonly kind: FuelKind;
  /** Last fix with the level before. */
  readonly start: Fix;
  /** First fix with the level after. */
  readonly end: Fix;
  readonly levelBeforeL: number;
  readonly levelAfterL: number;
  /** How far the volume may be off, l. */
  readonly errorL: number;
  readonly confidence: FuelConfidence;
  /** Where the unit was when the new level was seen. */
  readonly place: LocatedFix | undefined;
  readonly isPrivate: boolean;
  /** The readings before and after. */
  readonly inputs: Inputs;
  /** Those before: what comes after changes while a refuel grows. */
  readonly inputsBefore: Inputs;
}

/** A drain that waits for its confirmation. */
export interface Suspicion {
  readonly cut: FuelCut;
  /** First moving fix after it; undefined while the unit stands. */
  readonly movedOff: Fix | undefined;
}

/** What happened since the anchor. */
export interface Since {
  readonly hasStood: boolean;
  readonly hasMoved: boolean;
  readonly wasSilent: boolean;
  /** The unit was elsewhere after a silence, or nobody can tell. */
  readonly movedInSilence: boolean;
  /** Straight steps between positions, km. */
  readonly drivenM: number;
}

/** What all fixes up to some point leave behind. */
export interface FuelState {
  readonly isStanding: boolean;
  /** Newest readings since the last silence, oldest first. */
  readonly window: readonly Reading[];
  readonly anchor: Anchor | undefined;
  readonly since: Since;
  readonly suspicion: Suspicion | undefined;
  /** The newest refuel while it may still grow. */
  readonly filling: FuelCut | undefined;
}

/** Nothing happened yet. */
export const NOTHING_SINCE: Since = Object.freeze({
  hasStood: false,
  hasMoved: false,
  wasSilent: false,
  movedInSilence: false,
  drivenM: 0,
});

/** Before the first fix. */
export const FUEL_START: FuelState = Object.freeze({
  isStanding: false,
  window: Object.freeze([]),
  anchor: undefined,
  since: NOTHING_SINCE,
  suspicion: undefined,
  filling: undefined,
});
