import type { PositionRecorded, SignalRecorded, TaskRaised } from '@waybill/contracts';
import { businessDate } from '@waybill/domain';
import { Bucket, BUCKET_FIXES } from './beyond-grace.ts';
import { fixOf, type Fix } from './fix.ts';
import { Refusals } from './refusals.ts';
import type { Rules } from './rules.ts';
import type { Unit } from './unit.ts';
import { wrongTime } from './wrong-time.ts';

/** Why a fix is left out. */
export type SkipReason = 'repeat' | 'same_second' | 'after_progress' | 'withdrawn';

/** What becomes of a fix. */
export type Acceptance =
  | {
      readonly kind: 'applied';
      readonly fix: Fix;
      readonly isLate: boolean;
      /** It stood in a bucket because a later copy came first: its task is published anew. */
      readonly leavesBucket: boolean;
      readonly clockStands: boolean;
    }
  | {
      readonly kind: 'skipped';
      readonly reason: SkipReason;
      /** Set when something about the fix is remembered that must be saved. */
      readonly remembered: { readonly fix: Fix; readonly leavesBucket: boolean } | undefined;
      /** It is the third position of its device second. */
      readonly clockStands: boolean;
    }
  /** Counted in a bucket; its task is published at the end of the call. */
  | { readonly kind: 'beyond_grace'; readonly fix: Fix }
  | {
      readonly kind: 'refused';
      readonly code: 'FUTURE_TIME' | 'ANCIENT_TIME' | 'UNIT_LIMIT';
      readonly message: string;
    };

function skipped(
  reason: SkipReason,
  remembered?: { readonly fix: Fix; readonly leavesBucket: boolean },
  clockStands = false,
): Acceptance {
  return { kind: 'skipped', reason, remembered, clockStands };
}

function limitReached(unit: Unit, limit: number): Acceptance {
  const message = `expected at most ${limit} retained positions of ${unit.name}, found one more; is the source's progress stuck?`;
  return { kind: 'refused', code: 'UNIT_LIMIT', message };
}

function beyondGrace(unit: Unit, id: string, fix: Fix, rules: Rules): Acceptance {
  if (unit.timeline.knows(fix) || unit.seen.knows(fix)) return skipped('repeat');
  const date = businessDate(fix.time, rules.timeZone);
  const bucket = unit.buckets.get(date) ?? new Bucket(date);
  if (!bucket.has(id) && bucket.count >= BUCKET_FIXES) return limitReached(unit, BUCKET_FIXES);
  if (!bucket.add(id, fix)) return skipped('repeat', { fix, leavesBucket: false });
  if (!unit.buckets.has(date)) {
    unit.buckets.set(date, bucket);
    unit.unsaved = true;
  }
  return { kind: 'beyond_grace', fix };
}

/** What decides beside the rules. */
export interface Intake {
  /** Fixes that a unit retains at most. */
  readonly maxFixes: number;
  /** Of the record in the input. */
  readonly offset: number;
}

/**
 * Puts a fix where it stood before its packed bytes were lost: what `accept` applied then, `graceMs` being
 * the grace of then, is applied again, and what was refused at the limit is left out again. Nothing is folded
 * and nothing else changes.
 */
export function acceptAgain(
  unit: Unit,
  position: PositionRecorded | SignalRecorded,
  graceMs: number,
  offset: number,
): void {
  if (position.retracted || wrongTime(position) !== undefined) return;
  const fix = fixOf(position);
  const { timeline } = unit;
  if (fix.latenessMs > graceMs) return;
  if (fix.time < timeline.trimmedTo) {
    timeline.forget();
    return;
  }
  if (unit.refusals?.has(offset) === true && !timeline.knows(fix)) return;
  timeline.insert(fix, undefined, offset);
}

/** Takes a position out of the buckets of late days; false when it is in none of them. */
function leaveBuckets(unit: Unit, id: string): boolean {
  let isTaken = false;
  for (const bucket of unit.buckets.values()) isTaken = bucket.remove(id) || isTaken;
  return isTaken;
}

/** Decides about a position and, when it counts, puts it into the unit's timeline or bucket. */
export function accept(
  unit: Unit,
  position: PositionRecorded | SignalRecorded,
  rules: Rules,
  { maxFixes, offset }: Intake,
): Acceptance {
  if (position.retracted) return skipped('withdrawn');
  const wrong = wrongTime(position);
  if (wrong !== undefined) return wrong;
  const fix = fixOf(position);
  const id = position.event_id;
  if (fix.latenessMs > rules.graceMs) return beyondGrace(unit, id, fix, rules);
  const { timeline } = unit;
  if (fix.time < timeline.trimmedTo) {
    // Progress T promised that all registered up to T came before: this range is closed.
    return skipped(unit.seen.knows(fix) ? 'repeat' : 'after_progress');
  }
  if (timeline.count < maxFixes) unit.refusals?.take(offset);
  else if (!timeline.knows(fix)) {
    unit.refusals ??= new Refusals();
    const known = Math.max(-1, ...timeline.chunks.map(({ firstOffset }) => firstOffset));
    unit.refusals.refuse(offset, fix.time, known);
    return limitReached(unit, maxFixes);
  }
  const isNewest = fix.time > timeline.newestTime;
  const insertion = timeline.insert(fix, rules, offset);
  const { clockStands } = timeline;
  const leavesBucket = unit.buckets.size > 0 && leaveBuckets(unit, id);
  switch (insertion) {
    case 'added':
      return { kind: 'applied', fix, isLate: !isNewest, leavesBucket, clockStands };
    case 'replaced':
      return { kind: 'applied', fix, isLate: true, leavesBucket, clockStands };
    case 'repeat':
    case 'refined':
      return skipped('repeat', { fix, leavesBucket });
    case 'outranked':
      return skipped('same_second', { fix, leavesBucket }, clockStands);
  }
}

/** The tasks of the buckets that changed, under their next revision. */
export function raiseTasks(unit: Unit, rules: Rules, receivedTime: number): TaskRaised[] {
  return [...unit.buckets.values()]
    .filter((bucket) => bucket.isTaskDue)
    .map((bucket) =>
      bucket.task({
        tenantId: unit.tenantId,
        unit: unit.name,
        graceMs: rules.graceMs,
        receivedTime,
      }),
    );
}
