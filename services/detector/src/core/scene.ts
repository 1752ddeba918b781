import type { Scene } from './rule.ts';
import type { Rules } from './rules.ts';
import type { Unit } from './unit.ts';

/** A scene whose state is set to that of each rule in turn: good until the next one is asked. */
export interface Stage extends Omit<Scene<unknown>, 'state'> {
  state: unknown;
}

/** What all rules may look at; `state` is for the caller to set. */
export function stageOf(unit: Unit, rules: Rules, clock: number | undefined): Stage {
  const { tenantId, name } = unit;
  const { last, located } = unit.timeline.view.state;
  return { tenantId, unit: name, rules, state: undefined, last, located, clock };
}
