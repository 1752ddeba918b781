export { limitReasons } from './faults/reasons.ts';
export type { FleetSettings } from './fleet/fleet-store.ts';
export { madeUpFleets } from './made-up.ts';
export { malformedKinds, type MalformedKind } from './malformed.ts';
export { readScenario, type Scenario, type ScenarioAccount } from './scenario.ts';
export { startTwin, planScenario, type Twin, type TwinOptions } from './twin.ts';
export { tokenOf } from './token.ts';
export { planTrouble, type TroubleOperation, type TroublePlan } from './trouble-plan.ts';
