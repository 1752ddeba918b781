import { Fault } from '@waybill/fault';
import type { Pool } from '@waybill/postgres';
import type { PlannedDriver } from './port.ts';
import { quoteName } from './statements.ts';

/** More than this is no plan of some months. */
const MOST_ROWS = 100_000;

/** Where the ERP says who is planned on which vehicle; fits the tenant model structurally. */
export interface ErpDriverPlan {
  readonly table: string;
  readonly vehicle: string;
  readonly driver: string;
  readonly from: string;
  readonly to: string;
  readonly order?: string | undefined;
  readonly times: 'instant' | 'local';
}

interface Row {
  readonly vehicle: string;
  readonly driver: string;
  readonly from_ms: string;
  readonly to_ms: string | null;
  readonly order_id: string | null;
}

/** All plans with vehicle, driver and start, in order of vehicle and start; `MAPPING_INVALID` for too many. */
export async function readDriverPlan(
  pool: Pool,
  plan: ErpDriverPlan,
  zone: string,
): Promise<readonly PlannedDriver[]> {
  const [vehicle, driver, from, to] = [plan.vehicle, plan.driver, plan.from, plan.to].map(
    quoteName,
  );
  const instant = plan.times === 'local' ? ' AT TIME ZONE $1' : '';
  const ms = (column?: string): string =>
    `round(extract(epoch FROM ${column}${instant}) * 1000)::text`;
  const order = plan.order === undefined ? 'NULL' : `${quoteName(plan.order)}::text`;
  const { rows } = await pool.query<Row>(
    `SELECT ${vehicle}::text AS vehicle, ${driver}::text AS driver, ${ms(from)} AS from_ms,
       ${ms(to)} AS to_ms, ${order} AS order_id
     FROM ${quoteName(plan.table)}
     WHERE $1::text IS NOT NULL AND ${vehicle} IS NOT NULL AND ${driver} IS NOT NULL
       AND ${from} IS NOT NULL
     ORDER BY 1, ${from}, 2 LIMIT ${MOST_ROWS + 1}`,
    [zone],
  );
  if (rows.length > MOST_ROWS) {
    const message = `${plan.table} holds more than ${MOST_ROWS} plans; name a view of the last months`;
    throw new Fault(message, { kind: 'misconfigured', code: 'MAPPING_INVALID', stage: 'deliver' });
  }
  return rows.map((row) => ({
    vehicleId: row.vehicle,
    driver: row.driver,
    fromTime: Number(row.from_ms),
    toTime: row.to_ms === null ? null : Number(row.to_ms),
    orderId: row.order_id,
  }));
}
