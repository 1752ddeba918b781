import { anyRule, type AnyRule } from './rule.ts';
import { fuelLevel } from './rules/fuel-level.ts';
import { geofence } from './rules/geofence.ts';
import { idle } from './rules/idle.ts';
import { odometer } from './rules/odometer.ts';
import { serviceDue } from './rules/service-due.ts';
import { trip } from './rules/trip.ts';
import { visit } from './rules/visit.ts';

/** Every rule of the detector. A state or a cut belongs to the rule at its position. */
export const RULES: readonly AnyRule[] = [
  anyRule(trip),
  anyRule(visit),
  anyRule(geofence),
  anyRule(idle),
  anyRule(fuelLevel),
  anyRule(odometer),
  anyRule(serviceDue),
];
