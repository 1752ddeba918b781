import type { LocatedFix } from '../core/fix.ts';
import type { Step } from '../core/rule.ts';

/** Each fix as a rule is given it, without zones. */
export function stepsOf(fixes: readonly LocatedFix[]): Step[] {
  return fixes.map((fix, i) => {
    const last = fixes[i - 1];
    return { last, fix, located: last, place: fix, leftOut: 0, zoneIds: [] };
  });
}
