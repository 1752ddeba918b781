import type { TripCompleted } from '@waybill/contracts';
import { hashId } from '@waybill/domain';
import { inherit, type Interval } from './inherit.ts';
import { causationOf, type Causation, type Change, type Occasion } from './occasion.ts';
import type { RuleName, Scene } from './rule.ts';

/** A fact that was published and that a late fix may still touch. */
export interface Published<C> {
  /** Stable label: trip_id, visit_id. */
  readonly id: string;
  /** Start under which the id was made, ms. */
  readonly firstStart: number;
  /** How many ids were made from the same start before: 0 but for a start that is used again. */
  readonly ordinal: number;
  readonly revision: number;
  /** Withdrawn; kept while its range is retained, so that its id is not made again. */
  readonly retracted: boolean;
  /** The borders and sums as published. */
  readonly cut: C;
}

/** How a published version relates to the one before. */
export type PublishedChange = 'inserted' | 'updated' | 'retracted';

/** A version to publish. */
export interface Version<C> {
  readonly change: PublishedChange;
  readonly entry: Published<C>;
  /** What was said before; undefined for a first version. */
  readonly previous: C | undefined;
  readonly causation: Causation;
  /** Id of what stands in a retracted one's place. */
  readonly replacedBy: string | null;
}

/** What the fixes give now, against what was published. */
export interface Comparison<C> {
  readonly kind: RuleName;
  /** What tells apart two facts with the same start. */
  readonly parts: readonly string[];
  readonly published: readonly Published<C>[];
  /** Ascending, without overlap. */
  readonly cuts: readonly C[];
  /** A range whose borders are not known yet: what was published of it stays as it is. */
  readonly open: Interval | undefined;
  readonly intervalOf: (cut: C) => Interval;
  readonly isSame: (a: C, b: C) => boolean;
  readonly changeOf: (cut: C, old: C | undefined) => Change;
  readonly withdrawalOf: (cut: C) => Change;
  readonly occasion: Occasion;
}

function newIdentity<C>(
  { kind, parts, published }: Comparison<C>,
  start: number,
): { readonly id: string; readonly firstStart: number; readonly ordinal: number } {
  let ordinal = 0;
  for (const other of published) {
    if (other.firstStart === start) ordinal = Math.max(ordinal, other.ordinal + 1);
  }
  const again = ordinal === 0 ? [] : [ordinal];
  return { id: hashId(kind, ...parts, start, ...again), firstStart: start, ordinal };
}

/** The present version of a cut; undefined when the published one says the same. */
function versionOf<C>(
  comparison: Comparison<C>,
  cut: C,
  old: Published<C> | undefined,
): Version<C> | undefined {
  if (old !== undefined && comparison.isSame(old.cut, cut)) return undefined;
  const causation = causationOf(comparison.changeOf(cut, old?.cut), comparison.occasion);
  const { id, firstStart, ordinal } =
    old ?? newIdentity(comparison, comparison.intervalOf(cut).from);
  const revision = Math.max((old?.revision ?? -1) + 1, causation.receivedTime);
  return {
    change: old === undefined ? 'inserted' : 'updated',
    entry: { id, firstStart, ordinal, revision, retracted: false, cut },
    previous: old?.cut,
    causation,
    replacedBy: null,
  };
}

function withdrawn<C>(
  comparison: Comparison<C>,
  old: Published<C>,
  heir: Published<C> | undefined,
): Version<C> {
  const causation = causationOf(comparison.withdrawalOf(old.cut), comparison.occasion);
  const revision = Math.max(old.revision + 1, causation.receivedTime);
  return {
    change: 'retracted',
    entry: { ...old, revision, retracted: true },
    previous: old.cut,
    causation,
    replacedBy: heir?.id ?? null,
  };
}

/** What is published of one group after a comparison. */
export interface Compared<C> {
  /** For each cut what says it. */
  readonly current: readonly Published<C>[];
  /** What stays as it was, because its range is open. */
  readonly left: readonly Published<C>[];
  /** Withdrawn, now or before. */
  readonly withdrawn: readonly Published<C>[];
  /** What leads there: withdrawals first, then the others by start. */
  readonly versions: readonly Version<C>[];
}

/** Compares the cuts of one group with what was published. Ids pass from old to new borders by `inherit`. */
export function compare<C>(comparison: Comparison<C>): Compared<C> {
  const { cuts, open, intervalOf } = comparison;
  const olds = comparison.published.filter((entry) => !entry.retracted);
  const gone = comparison.published.filter((entry) => entry.retracted);
  const intervals = cuts.map(intervalOf);
  if (open !== undefined) intervals.push(open);
  const oldIntervals = olds.map((entry) => intervalOf(entry.cut));
  const { heirs, ancestors, closest } = inherit(oldIntervals, intervals);
  const versions: Version<C>[] = [];
  const current = cuts.map((cut, index): Published<C> => {
    const old = olds[ancestors[index] ?? -1];
    const version = versionOf(comparison, cut, old);
    if (version !== undefined) versions.push(version);
    // Without a version the old one stands.
    return version?.entry ?? (old as Published<C>);
  });
  const withdrawals: Version<C>[] = [];
  const left: Published<C>[] = [];
  for (const [index, old] of olds.entries()) {
    const heir = heirs[index] ?? closest[index];
    if (open !== undefined && heir === cuts.length) left.push(old);
    else if (heirs[index] === undefined) {
      const version = withdrawn(comparison, old, current[heir ?? -1]);
      withdrawals.push(version);
      gone.push(version.entry);
    }
  }
  return { current, left, withdrawn: gone, versions: [...withdrawals, ...versions] };
}

/** What every published event says about itself (design section 4). */
type Envelope = Pick<
  TripCompleted,
  | 'tenant_id'
  | 'unit'
  | 'event_id'
  | 'event_time'
  | 'provider_time'
  | 'received_time'
  | 'revision'
  | 'retracted'
  | 'cause'
  | 'trace'
  | 'finality'
  | 'late_by_s'
  | 'replaced_by'
  | 'rule_version'
  | 'rule'
>;

/**
 * The envelope of an entity's version: `time` is its event time, `settledTime` the last event time that
 * it depends on (Infinity while it is open), after which grace and margin make it final.
 */
export function envelopeOf<C>(
  { name, version }: { readonly name: string; readonly version: number },
  { entry, causation, replacedBy }: Version<C>,
  { tenantId, unit, rules, clock }: Omit<Scene<unknown>, 'state'>,
  about: { readonly time: number; readonly settledTime: number },
): Envelope {
  const settledBy = about.settledTime + rules.graceMs + rules.marginMs;
  return {
    tenant_id: tenantId,
    unit,
    event_id: hashId('entity', tenantId, name, entry.id),
    event_time: about.time,
    provider_time: causation.providerTime,
    received_time: causation.receivedTime,
    revision: entry.revision,
    retracted: entry.retracted,
    cause: causation.cause,
    trace: causation.trace,
    finality: clock !== undefined && clock > settledBy ? 'final' : 'provisional',
    late_by_s: causation.lateByS,
    replaced_by: replacedBy,
    rule_version: rules.version,
    rule: `${name}/${version}`,
  };
}

/** Whole seconds from one event time to another. */
export function secondsBetween(
  from: { readonly time: number },
  to: { readonly time: number },
): number {
  return Math.round((to.time - from.time) / 1000);
}
