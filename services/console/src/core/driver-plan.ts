import type { AssignmentPlanned, IdMapped } from '@waybill/contracts';

/** A plan as the ERP has it; times in ms. */
export interface PlannedDriver {
  readonly vehicleId: string;
  readonly driver: string;
  readonly fromTime: number;
  readonly toTime: number | null;
  readonly orderId: string | null;
}

type Interval = AssignmentPlanned['intervals'][number];

/** Intervals of a unit that are kept: the newest ones. */
const MOST_INTERVALS = 1_000;
/** What a trip's contract takes as a driver code. */
const DRIVER_CODE = /^[A-Za-z0-9_-]{1,32}$/;

interface Known {
  readonly id: string;
  readonly from: number;
  readonly to: number;
}

/** Telematics ids by ERP id, with the time in which they stand for it; in order of id. */
function reversed(
  ids: readonly IdMapped[],
  entity: IdMapped['entity'],
): ReadonlyMap<string, readonly Known[]> {
  const all = ids
    .filter((id) => id.entity === entity && !id.deleted)
    .flatMap(({ telematics_id: id, intervals }) =>
      intervals.map(({ erp_id: erpId, valid_from_time: from, valid_to_time: to }) => ({
        ...{ erpId, id, from: from ?? -Infinity, to: to ?? Infinity },
      })),
    );
  all.sort((a, b) => (a.id < b.id ? -1 : 1));
  return Map.groupBy(all, ({ erpId }) => erpId);
}

/** What a plan is worth: whom it puts on which unit, and what nobody has mapped. */
export interface ResolvedPlan {
  /** All intervals of each unit, oldest first. */
  readonly units: ReadonlyMap<string, readonly Interval[]>;
  /** ERP ids of vehicles and drivers without a telematics id at the time; codes that none can be. */
  readonly unmapped: ReadonlySet<string>;
}

/**
 * Plans with the ids of telematics. A tracker that moves to another vehicle within a plan takes its share
 * of it; all units of a vehicle get its plan; of several codes of one driver the first in order counts.
 */
export function resolvePlan(
  rows: readonly PlannedDriver[],
  ids: readonly IdMapped[],
  driverIs: 'id' | 'code',
): ResolvedPlan {
  const units = new Map<string, Interval[]>();
  const unmapped = new Set<string>();
  const vehicles = reversed(ids, 'vehicle');
  const drivers = reversed(ids, 'driver');
  const codeAt = (driver: string, time: number): string | undefined => {
    const code =
      driverIs === 'code'
        ? driver
        : drivers.get(driver)?.find(({ from, to }) => time >= from && time < to)?.id;
    return code !== undefined && DRIVER_CODE.test(code) ? code : undefined;
  };
  for (const { vehicleId, driver, fromTime, toTime, orderId } of rows) {
    const end = toTime ?? Infinity;
    const held = (vehicles.get(vehicleId) ?? []).filter(
      ({ from, to }) => Math.max(from, fromTime) < Math.min(to, end),
    );
    const code = codeAt(driver, fromTime);
    if (held.length === 0) unmapped.add(`vehicle ${vehicleId}`);
    if (code === undefined) unmapped.add(`driver ${driver}`);
    if (code === undefined) continue;
    for (const { id: unit, from, to } of held) {
      const until = Math.min(to, end);
      const interval: Interval = {
        valid_from_time: Math.max(from, fromTime),
        valid_to_time: until === Infinity ? null : until,
        driver_code: code,
        order_id: orderId,
      };
      const known = units.get(unit);
      if (known === undefined) units.set(unit, [interval]);
      else known.push(interval);
    }
  }
  for (const [unit, intervals] of units) {
    intervals.sort((a, b) => (a.valid_from_time ?? 0) - (b.valid_from_time ?? 0));
    units.set(unit, intervals.slice(-MOST_INTERVALS));
  }
  return { units, unmapped };
}
