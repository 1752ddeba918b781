import { expect as expectRows } from '../expectation/expect.ts';
import { type CanonicalRow, readCanonical } from './canonical.ts';
import { compareRows, type Difference, hashRows } from './check.ts';
import { expectedOrders } from './dispatch.ts';
import type { Scenario } from '@waybill/wialon-twin';
import { scenarioFile } from './scenario.ts';
import { type System, tenantIds } from './system.ts';

export type Expectation = ReturnType<typeof expectRows>;

/** Comparison of one tenant's ERP with what the recording and the fault script demand. */
export interface TenantVerdict {
  readonly trips: Difference;
  readonly visits: Difference;
  readonly orders: Difference;
  /** Hash over all business rows; equal for equal content at any speed and through any fault. */
  readonly hash: string;
  readonly rows: { readonly trips: number; readonly visits: number; readonly orders: number };
}

export interface Verdict {
  readonly right: boolean;
  /** One line per thing that is wrong; the first few of many. */
  readonly problems: readonly string[];
  readonly tenants: ReadonlyMap<string, TenantVerdict>;
  readonly expectation: Expectation;
}

function second(instant: string | number | null): string | null {
  if (instant === null) return null;
  return new Date(instant).toISOString().replace('.000Z', 'Z');
}

function tripRow(trip: Expectation['tenants'][string]['trips'][number]): CanonicalRow {
  return {
    vehicle_id: trip.vehicle_id,
    start_time: second(trip.start_time),
    end_time: second(trip.end_time),
    duration_s: String(trip.duration_s),
    distance_km: trip.distance_km.toFixed(2),
    business_date: trip.business_date,
  };
}

function visitRow(visit: Expectation['tenants'][string]['visits'][number]): CanonicalRow {
  return {
    vehicle_id: visit.vehicle_id,
    site_id: visit.site_id,
    entered_time: second(visit.entered_time),
    left_time: second(visit.left_time),
    dwell_s: visit.dwell_s === null ? null : String(visit.dwell_s),
    business_date: visit.business_date,
  };
}

function orderRows(scenario: Scenario, tenant: string): readonly CanonicalRow[] {
  if (tenant !== 'bay-cabs') return [];
  return expectedOrders(scenario).map(({ order, status, time }) => ({
    order_ref: order,
    status,
    status_time: second(time),
  }));
}

function describe(tenant: string, entity: string, difference: Difference): string[] {
  const { missing, unexpected } = difference;
  const lines: string[] = [];
  if (missing.length > 0)
    lines.push(`${tenant}: ${missing.length} ${entity} missing, e.g. ${missing[0]}`);
  if (unexpected.length > 0) {
    lines.push(`${tenant}: ${unexpected.length} ${entity} not expected, e.g. ${unexpected[0]}`);
  }
  return lines;
}

/** Compares the ERPs with the independent expectation. */
export async function judge(system: System, scenario: Scenario): Promise<Verdict> {
  const expectation = expectRows(
    scenarioFile(scenario.name),
    system.troubleFile,
    system.tenantsDir,
  );
  const tenants = new Map<string, TenantVerdict>();
  const problems: string[] = [];
  for (const tenant of tenantIds) {
    const pool = system.erp.get(tenant);
    const wanted = expectation.tenants[tenant];
    if (pool === undefined || wanted === undefined) throw new Error(`no expectation for ${tenant}`);
    const found = await readCanonical(pool, system.tenantsDir, tenant);
    const verdict: TenantVerdict = {
      trips: compareRows(wanted.trips.map(tripRow), found.trips),
      visits: compareRows(wanted.visits.map(visitRow), found.visits),
      orders: compareRows(orderRows(scenario, tenant), found.orders),
      hash: hashRows([...found.trips, ...found.visits, ...found.orders]),
      rows: {
        trips: found.trips.length,
        visits: found.visits.length,
        orders: found.orders.length,
      },
    };
    tenants.set(tenant, verdict);
    problems.push(
      ...describe(tenant, 'trips', verdict.trips),
      ...describe(tenant, 'visits', verdict.visits),
      ...describe(tenant, 'orders', verdict.orders),
    );
  }
  return { right: problems.length === 0, problems, tenants, expectation };
}
