import type { Fix } from './fix.ts';
import { outranks } from './fix.ts';
import type { Announcement } from './rule.ts';
import type { Rules } from './rules.ts';
import { settle } from './settle.ts';
import { newUnit, type Unit } from './unit.ts';

/** Fixes in the order of event time; of several in one second the first is the one that counts. */
export function inOrder(fixes: readonly Fix[]): readonly Fix[] {
  return fixes.toSorted((a, b) => a.time - b.time || (outranks(a, b) ? -1 : 1));
}

/**
 * The batch form of the detector: a unit of which all fixes are known and T has passed them by far, and what
 * is said of it. `clock` is T, ms; by default so late that nothing is open any more.
 */
export function detectAll(
  identity: { readonly tenantId: string; readonly unit: string },
  fixes: readonly Fix[],
  rules: Rules,
  clock: number = Number.MAX_SAFE_INTEGER,
): { readonly unit: Unit; readonly announcements: readonly Announcement[] } {
  const unit = newUnit(identity.tenantId, identity.unit);
  const sorted = inOrder(fixes);
  for (const fix of sorted) unit.timeline.insert(fix, rules);
  const arrivals = sorted.map((fix) => ({ fix, receivedTime: fix.time, isLate: false }));
  const occasion = { arrivals: arrivals.slice(-1), clock, progress: undefined, binding: undefined };
  const decisions = settle(unit, rules, occasion);
  const announcements = decisions.flatMap((decision) =>
    decision.kind === 'publish' ? decision.announcements : [],
  );
  return { unit, announcements };
}
