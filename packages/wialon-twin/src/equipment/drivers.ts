/** A driver of a resource. */
export interface Driver {
  readonly id: number;
  readonly name: string;
  /** Matched against the driver sensor (message parameter `avl_driver`). */
  readonly code: string;
}

/** From `t` on the driver is with unit `u`; 0 = with none. */
export interface Binding {
  readonly t: number;
  readonly u: number;
}

/** Code of the nth driver of an account, from 1. */
export function driverCode(n: number): string {
  return `DRV${String(n).padStart(3, '0')}`;
}

/** One driver per unit, numbered in the order of the units. */
export function driversOf(unitIds: readonly number[]): Driver[] {
  return unitIds.map((_unit, index) => ({
    id: index + 1,
    name: `Driver ${index + 1}`,
    code: driverCode(index + 1),
  }));
}

const DAY_S = 86_400;
const SHIFT_FROM_S = 6 * 3600;
const SHIFT_TO_S = 18 * 3600;

/**
 * The shifts of a driver up to `now`: with the unit of the same place in the list from 06:00 to 18:00 UTC,
 * the first time on the day of `since`.
 */
export function bindingsOf(
  driver: Driver,
  unitIds: readonly number[],
  since: number,
  now: number,
): Binding[] {
  const bindings: Binding[] = [];
  const u = unitIds[driver.id - 1] ?? 0;
  for (let day = Math.floor(since / DAY_S); day * DAY_S <= now; day++) {
    for (const binding of [
      { t: day * DAY_S + SHIFT_FROM_S, u },
      { t: day * DAY_S + SHIFT_TO_S, u: 0 },
    ]) {
      if (binding.t <= now) bindings.push(binding);
    }
  }
  return bindings;
}
