import type { Message, Topic } from '@waybill/contracts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import type { Fix, LocatedFix } from './fix.ts';
import type { Interval } from './inherit.ts';
import type { Motion } from './motion.ts';
import type { Change } from './occasion.ts';
import type { Version } from './publication.ts';
import type { Rules } from './rules.ts';
import type { Stretch, UNEVEN } from './stretch.ts';

/** Names of the rules: labels of metrics, keys of saved state, parts of ids. */
export type RuleName =
  'trip' | 'visit' | 'geofence' | 'idle' | 'fuel_level' | 'odometer' | 'service_due';

/** What a fix may tell; a rule reads a sum of these. */
export const SIGNAL = {
  position: 1,
  speed: 2,
  engine: 4,
  fuel: 8,
  odometer: 16,
  engineHours: 32,
  driver: 64,
} as const;

/** One fix further, as every rule sees it; good for this one call. */
export interface Step {
  /** The fix before, the newest one; undefined before the first. */
  readonly last: Fix | undefined;
  readonly fix: Fix;
  /** The newest one with a position before this. */
  readonly located: LocatedFix | undefined;
  /** The fix itself when it has a position. */
  readonly place: LocatedFix | undefined;
  /** Great circle from `located` to `place`, in steps of 1/1024 m; 0 where either is unknown. */
  readonly wayM: number;
  /** Whether the unit moves, by what the tenant trusts; trips have rules of their own. */
  readonly motion: Motion;
  /** Impossible positions that were left out between `located` and `place`. */
  readonly leftOut: number;
  /** Zones that hold the fix, ascending. */
  readonly zoneIds: readonly string[];
}

/**
 * What a fix that came late changes in all that follows, where it changed sums alone: only what was open
 * then, a run or a day, still has them.
 */
export interface Shift<S, C> {
  /** A later state with the sums moved; the same one when it is about something else. */
  readonly state: (later: S) => S;
  /**
   * The same for a state as `writeState` packs it, behind a fix of that time: writes what takes its place;
   * false, and nothing is written, when it is about something else.
   */
  readonly move: (later: ByteReader, newest: () => number, writer: ByteWriter) => boolean;
  /** The same for a cut that was closed later. */
  readonly cut: (cut: C) => C;
}

/** All of a unit that a rule may look at when its cuts are compared with what was published. */
export interface Scene<S> {
  readonly tenantId: string;
  readonly unit: string;
  readonly rules: Rules;
  /** The rule's state after the newest fix. */
  readonly state: S;
  readonly last: Fix | undefined;
  /** Newest fix with a position. */
  readonly located: LocatedFix | undefined;
  /** T, ms; undefined while a source holds it: silence closes nothing. */
  readonly clock: number | undefined;
}

/** What the fixes give now. */
export interface Standing<C> {
  /** Those that count, of the retained range and in order. */
  readonly cuts: readonly C[];
  /** A range whose borders are not known yet: what was published of it stays as it is. */
  readonly open: Interval | undefined;
}

/** A message to publish; its key is `announcementKey`. */
export interface Announcement {
  readonly topic: Topic;
  readonly message: Message;
}

/** Why a cut goes to the dead letters. */
export interface Refusal {
  readonly code: string;
  /** The field that cannot hold it. */
  readonly path: string;
  readonly message: string;
}

/**
 * A rule of detection: a pure fold over the fixes of one unit in order of event time, and how what it
 * cuts becomes events with identity and revision. A new rule is one file in `rules/` and one line in
 * `rule-list.ts`; saving, folding again after a late fix, comparing, publishing and letting go are common
 * to all. S is the state that fixes leave behind, C a cut: an interval that ended, or stands open.
 *
 * Neither a state nor a cut is ever changed in place. No function may read a clock or remember anything.
 */
export interface Rule<S, C> {
  readonly name: RuleName;
  /** Version of the rule's code, for events: rises when the same fixes would give other events. */
  readonly version: number;
  /** Sum of `SIGNAL`: a fix that tells none of these is not shown to the rule. */
  readonly reads: number;
  /** Whether the tenant wants the rule's events; a rule that nobody wants is not folded. */
  readonly isWanted: (rules: Rules) => boolean;
  /** Before the first fix; of it nothing is pending or due. */
  readonly start: S;
  /** One fix further; what the fix ends is added to `closed`. The same state = nothing changed. */
  readonly advance: (state: S, step: Step, rules: Rules, closed: C[]) => S;
  /** The same for all fixes of a stretch at once; UNEVEN where `advance` has to see each of them. */
  readonly advanceEvenly: (state: S, stretch: Stretch, rules: Rules) => S | typeof UNEVEN;
  /** True when both states go on in the same way whatever comes. */
  readonly sameState: (a: S, b: S) => boolean;
  /**
   * How what follows `now` differs from what followed `before`, both after the same fix; undefined when it
   * has to be folded again. A rule without sums has none.
   */
  readonly shiftOf?: (now: S, before: S) => Shift<S, C> | undefined;
  /** The state under changed settings, at the border before which nothing is folded again. */
  readonly rebased?: (state: S, border: Border) => S;
  readonly writeState: (writer: ByteWriter, state: S) => void;
  readonly readState: (reader: ByteReader) => S;
  readonly writeCut: (writer: ByteWriter, cut: C) => void;
  readonly readCut: (reader: ByteReader) => C;
  readonly publication: RulePublication<S, C>;
}

/** See Rule: from cuts to events. */
export interface RulePublication<S, C> {
  /**
   * What stands beyond the closed cuts, as a value that is equal (===) as long as the same stands: only
   * when it changed, or a cut was closed or cut anew, is the rest asked for.
   */
  readonly pending: (scene: Scene<S>) => unknown;
  /** The next T at which silence changes what stands, ms; Infinity = never. May lie in the past. */
  readonly dueTime: (scene: Scene<S>) => number;
  /** All that stands: the cuts that fixes closed, what T closes, what is open and published open. */
  readonly standing: (closed: readonly C[], scene: Scene<S>) => Standing<C>;
  /** From its start to its end; an open end is Infinity. Identity comes from the start. */
  readonly intervalOf: (cut: C) => Interval;
  /** Cuts of different groups (a zone) may overlap and never take over each other's id. */
  readonly groupOf: (cut: C) => string;
  /** True when both are published in the same words. */
  readonly isSame: (a: C, b: C) => boolean;
  readonly changeOf: (cut: C, old: C | undefined, scene: Scene<S>) => Change;
  readonly withdrawalOf: (cut: C, scene: Scene<S>) => Change;
  /** Why the contract cannot express a cut; it is refused once and not published. */
  readonly refusalOf?: (cut: C) => Refusal | undefined;
  readonly announce: (version: Version<C>, scene: Scene<S>) => readonly Announcement[];
}

/** Where a range that stays as it was folded meets one that is folded under new settings. */
export interface Border {
  readonly located: LocatedFix | undefined;
  /** Zones that were known before, and are known now. */
  readonly knownZones: ReadonlySet<string>;
  readonly zones: readonly string[];
}

/** A rule of any state; which one belongs to which rule is kept by position in the rule list. */
export type AnyRule = Rule<unknown, unknown>;

/** Takes a rule into a list of rules of different states. */
export function anyRule<S, C>(rule: Rule<S, C>): AnyRule {
  // States and cuts are only ever given back to the rule that they came from.
  return rule as unknown as AnyRule;
}
