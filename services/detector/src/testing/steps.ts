import { distanceM } from '@waybill/domain';
import type { LocatedFix } from '../core/fix.ts';
import type { Step } from '../core/rule.ts';

/** Each fix as a rule is given it, without zones. */
export function stepsOf(fixes: readonly LocatedFix[]): Step[] {
  return fixes.map((fix, i) => {
    const last = fixes[i - 1];
    const wayM = last === undefined ? 0 : distanceM(last, fix);
    return { last, fix, located: last, place: fix, wayM, leftOut: 0, zoneIds: [] };
  });
}
