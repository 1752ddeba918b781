/** What rounding on both sides may differ by, in the field's unit. */
const ROUNDING: Readonly<Record<string, number>> = {
  distance_km: 0.011,
  start_latitude: 0.000_002,
  start_longitude: 0.000_002,
  end_latitude: 0.000_002,
  end_longitude: 0.000_002,
  latitude: 0.000_002,
  longitude: 0.000_002,
  volume_l: 0.11,
  volume_error_l: 0.11,
  level_before_l: 0.11,
  level_after_l: 0.11,
  tank_l: 0.11,
  odometer_km: 0.011,
  engine_hours_h: 0.011,
  due_km: 0.011,
  due_engine_hours_h: 0.011,
  duration_s: 1,
  moving_s: 1,
  dwell_s: 1,
};

/** One line of the ownership matrix. */
export interface ToleranceRule {
  readonly entity: string;
  readonly field: string;
  /** Such as `0.1 km` or `1 s`; empty = exact. */
  readonly tolerance: string;
}

function amountOf({ field, tolerance }: ToleranceRule): number {
  const amount = Number.parseFloat(tolerance);
  if (!Number.isFinite(amount)) return 0;
  // Instants are compared in milliseconds and their tolerance is written in seconds.
  return field.endsWith('_time') ? amount * 1000 : amount;
}

/** Greatest difference per field that is none: the tenant's, at least what rounding needs. */
export function toleranceOf(
  rules: readonly ToleranceRule[],
  entity: string,
): (field: string) => number {
  const amounts = new Map(
    rules.filter((rule) => rule.entity === entity).map((rule) => [rule.field, amountOf(rule)]),
  );
  return (field) => Math.max(amounts.get(field) ?? 0, ROUNDING[field] ?? 0);
}
