import { z } from 'zod';

const positive = z.number().positive();

/** Standstills with a running engine. */
export const idleSettings = z.strictObject({
  /** Shorter ones are none. */
  threshold_s: z.number().int().positive().default(300),
});

const tank = z.strictObject({
  /** Unit as <source>:<provider id>; absent = every unit that is not named. */
  unit: z.string().optional(),
  /** Absent = always. */
  valid_from: z.iso.datetime().optional(),
  tank_l: positive,
});

/** Refuels and drains; a level in percent counts only where the tank is known. */
export const fuelSettings = z.strictObject({
  min_refuel_l: positive.default(8),
  /** A drain is a fall of at least this, or of min_drain_percent of the tank when that is more. */
  min_drain_l: positive.default(5),
  min_drain_percent: z.number().nonnegative().max(100).default(5),
  /** What a standing engine burns at most. */
  idle_burn_l_per_h: z.number().nonnegative().default(2.5),
  /** What a drive burns at most. */
  drive_burn_l_per_km: z.number().nonnegative().default(0.5),
  /** A drain counts when the level is still low this long after moving off. */
  confirm_s: z.number().int().positive().default(600),
  tanks: z.array(tank).default([]),
});

/** Odometer readings and maintenance. */
export const meterSettings = z.strictObject({
  /** More in a day is implausible. */
  max_km_per_day: positive.default(1500),
  /** How long before its end a service interval is announced. */
  lead_km: z.number().nonnegative().default(500),
  lead_engine_hours_h: z.number().nonnegative().default(20),
  lead_days: z.number().nonnegative().default(14),
});

/** Shifts of drivers. */
export const shiftSettings = z.strictObject({
  /** A rest of this length ends a shift. */
  rest_h: positive.default(7),
});
