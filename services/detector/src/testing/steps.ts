import { distanceM } from '@waybill/domain';
import type { LocatedFix } from '../core/fix.ts';
import { motionOf } from '../core/motion.ts';
import type { Step } from '../core/rule.ts';
import type { TripRule } from '../core/rules.ts';

/** Each fix as a rule is given it, without zones. */
export function stepsOf(fixes: readonly LocatedFix[], trip: TripRule): Step[] {
  return fixes.map((fix, i) => {
    const last = fixes[i - 1];
    const stepM = last === undefined ? undefined : distanceM(last, fix);
    const motion = motionOf(last, fix, stepM, trip);
    return {
      last,
      fix,
      located: last,
      place: fix,
      wayM: stepM ?? 0,
      motion,
      leftOut: 0,
      zoneIds: [],
    };
  });
}
