import type { Cause, ProposalStatus } from '@waybill/contracts';
import type { ReadingFlaw } from './core/fix.ts';
import type { PublishedChange } from './core/publication.ts';
import type { RuleName } from './core/rule.ts';
import type { SettingsProblem } from './core/trip-settings.ts';
import type { AreaProblem } from './core/zone-shape.ts';

/** What became of positions; closed set, so that it can be a label. */
export type FixOutcome =
  | 'applied'
  | 'late'
  | 'repeat'
  | 'same_second'
  | 'clock_stands'
  | 'after_progress'
  | 'withdrawn'
  | 'beyond_grace'
  /** Impossibly far from both neighbours; counted when its range is final. */
  | 'left_out'
  | 'refused';

/** A mistake in a zone, in a unit's settings, or a reading that cannot be true. */
export type Flaw = AreaProblem | SettingsProblem | ReadingFlaw;

/** What one task holds. */
export interface HeldCounts {
  readonly units: number;
  /** Retained ones of all units. */
  readonly fixes: number;
  /** Units that are held unpacked. */
  readonly unpacked: number;
  /** How many packed ones were used in this call. */
  readonly unpackings: number;
  /** Bytes of what only memory knows of packed units, and of the memory that these stand in. */
  readonly packedBytes: { readonly live: number; readonly held: number };
}

/** Domain metrics; records, skips and lag are counted by the stream. */
export interface DetectorMetrics {
  /** Counted when `state` is said, at the end of a call. */
  readonly fix: (outcome: FixOutcome, count: number) => void;
  readonly published: (entity: RuleName, change: PublishedChange, cause: Cause) => void;
  /** A state that a proposal reached. */
  readonly proposal: (status: ProposalStatus) => void;
  /** A mistake that was found when tables changed, or in a position. */
  readonly flaw: (flaw: Flaw) => void;
  /** What one task holds at the end of a call. */
  readonly state: (partition: number, held: HeldCounts) => void;
}

interface Counter {
  readonly inc: (labels: Record<string, string>, count: number) => void;
}

interface Gauge {
  readonly set: (labels: Record<string, string>, value: number) => void;
}

/** Structural part of the process's registry that is needed here. */
interface Registry {
  readonly counter: (name: string, help: string, labels?: readonly string[]) => Counter;
  readonly gauge: (name: string, help: string, labels?: readonly string[]) => Gauge;
}

/** Registers the metrics. */
export function detectorMetrics(registry: Registry): DetectorMetrics {
  const fixes = registry.counter('detection_fixes_total', 'Positions by what became of them.', [
    'outcome',
  ]);
  const facts = registry.counter('detection_facts_total', 'Versions of trips and visits.', [
    'entity',
    'change',
    'cause',
  ]);
  const proposals = registry.counter(
    'detection_proposals_total',
    'States that proposals reached.',
    ['status'],
  );
  const flaws = registry.counter(
    'detection_flaws_total',
    'Mistakes in zones, settings and readings.',
    ['flaw'],
  );
  const units = registry.gauge('detection_units', 'Units with state.', ['partition']);
  const retained = registry.gauge('detection_fixes_retained', 'Fixes within reach of late ones.', [
    'partition',
  ]);
  const unpacked = registry.gauge('detection_units_unpacked', 'Units held as objects.', [
    'partition',
  ]);
  const unpackings = registry.counter(
    'detection_unit_unpackings_total',
    'Packed units that were used.',
    ['partition'],
  );
  const packed = registry.gauge(
    'detection_packed_units_bytes',
    'Bytes beside state and buffers of packed units, and of the memory for them.',
    ['partition', 'kind'],
  );
  /** What became of positions since `state` was said: a counter with labels costs as much as a fix. */
  const waiting = new Map<FixOutcome, number>();
  return {
    fix: (outcome, count) => void waiting.set(outcome, (waiting.get(outcome) ?? 0) + count),
    published: (entity, change, cause) => facts.inc({ entity, change, cause }, 1),
    proposal: (status) => proposals.inc({ status }, 1),
    flaw: (flaw) => flaws.inc({ flaw }, 1),
    state: (task, held) => {
      const partition = String(task);
      for (const [outcome, count] of waiting) fixes.inc({ outcome }, count);
      waiting.clear();
      units.set({ partition }, held.units);
      retained.set({ partition }, held.fixes);
      unpacked.set({ partition }, held.unpacked);
      packed.set({ partition, kind: 'live' }, held.packedBytes.live);
      packed.set({ partition, kind: 'held' }, held.packedBytes.held);
      if (held.unpackings > 0) unpackings.inc({ partition }, held.unpackings);
    },
  };
}
