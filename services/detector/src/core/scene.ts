import type { Scene } from './rule.ts';
import type { Rules } from './rules.ts';
import type { Unit } from './unit.ts';

/** What the rule at that position may look at. */
export function sceneOf(
  unit: Unit,
  rule: number,
  rules: Rules,
  clock: number | undefined,
): Scene<unknown> {
  const { tenantId, name } = unit;
  const { last, located, states } = unit.timeline.view.state;
  return { tenantId, unit: name, rules, state: states[rule], last, located, clock };
}
