import { topics, type AssignmentPlanned } from '@waybill/contracts';
import { taskKey } from '@waybill/domain';
import type { PoolClient } from '@waybill/postgres';
import type { ResolvedPlan } from '../core/driver-plan.ts';
import { enqueue } from './outbox-tables.ts';

/** Puts the units whose plan changed into the outbox; in the transaction that holds the tenant's lock. */
export async function storePlan(
  client: PoolClient,
  tenant: string,
  units: ResolvedPlan['units'],
  readTime: number,
): Promise<number> {
  const { rows } = await client.query<{ unit: string; intervals: string }>(
    'select unit, intervals from control.driver_plan where tenant_id = $1',
    [tenant],
  );
  const before = new Map(rows.map(({ unit, intervals }) => [unit, intervals]));
  let changed = 0;
  for (const unit of new Set([...before.keys(), ...units.keys()])) {
    const intervals = units.get(unit) ?? [];
    const text = JSON.stringify(intervals);
    if (before.get(unit) === text) continue;
    await client.query(
      `insert into control.driver_plan values ($1, $2, $3)
       on conflict (tenant_id, unit) do update set intervals = excluded.intervals`,
      [tenant, unit, text],
    );
    const message: AssignmentPlanned = {
      tenant_id: tenant,
      unit,
      event_time: readTime,
      revision: readTime,
      intervals: [...intervals],
    };
    const { name: topic } = topics.plannedAssignment;
    await enqueue(client, {
      topic,
      key: taskKey(tenant, unit),
      type: 'AssignmentPlanned',
      message,
    });
    changed += 1;
  }
  return changed;
}
