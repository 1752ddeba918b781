import type { PositionRecorded, SignalRecorded } from '@waybill/contracts';
import { accept, type Acceptance } from '../core/accept.ts';
import type { Announcement } from '../core/rule.ts';
import type { Rules } from '../core/rules.ts';
import { settle } from '../core/settle.ts';
import { newUnit, type Unit } from '../core/unit.ts';

/** A unit's past is never more than one process can hold. */
const MAX_FIXES = 10_000_000;
/** T when everything that was recorded has come: nothing is open any more, ms. */
const END_OF_TIME = Number.MAX_SAFE_INTEGER;

/** What the detector makes of a unit's recorded positions. */
export interface Replayed {
  readonly unit: Unit;
  /** What became of each record, in their order. */
  readonly acceptances: readonly Acceptance[];
  /** What is said when all has come: one version of each fact. */
  readonly announcements: readonly Announcement[];
}

/** Runs all records of one unit through the detector and lets T pass them. */
export function replay(
  tenantId: string,
  name: string,
  records: readonly (PositionRecorded | SignalRecorded)[],
  rules: Rules,
): Replayed {
  const unit = newUnit(tenantId, name);
  const intake = { maxFixes: MAX_FIXES, offset: 0 };
  const acceptances = records.map((record) => accept(unit, record, rules, intake));
  const last = acceptances.findLast((acceptance) => acceptance.kind === 'applied');
  const arrivals =
    last === undefined ? [] : [{ fix: last.fix, receivedTime: last.fix.time, isLate: false }];
  const occasion = { arrivals, clock: END_OF_TIME, progress: undefined, binding: undefined };
  const announcements = settle(unit, rules, occasion).flatMap((decision) =>
    decision.kind === 'publish' ? decision.announcements : [],
  );
  return { unit, acceptances, announcements };
}
