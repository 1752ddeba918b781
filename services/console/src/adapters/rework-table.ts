import {
  topics,
  type ProposalJudged,
  type RangeReread,
  type ReworkCancelled,
  type ReworkRequested,
} from '@waybill/contracts';
import { taskKey } from '@waybill/domain';
import type { Pool, PoolClient } from '@waybill/postgres';
import type { ReworkOrder } from '../ports.ts';
import { reworkTopics } from '../rework-services.ts';
import { audit, enqueue } from './outbox-tables.ts';

/** Reworks concern raw records of all tenants. */
const NO_TENANT = '-';

interface ReworkRow {
  readonly command: ReworkRequested;
  readonly cancelled_by: string | null;
}

/** Stores a command with its audit line and its outbox row. */
export async function storeRework(client: PoolClient, command: ReworkRequested): Promise<boolean> {
  const { rework_id: id, service, requested_by: by } = command;
  const { rowCount } = await client.query(
    'insert into control.rework (rework_id, command) values ($1, $2) on conflict do nothing',
    [id, JSON.stringify(command)],
  );
  if (rowCount === 0) return false;
  const { name: topic } = reworkTopics(service).commands;
  await enqueue(client, { topic, key: id, type: 'ReworkRequested', message: command });
  await audit(client, { tenant: NO_TENANT, action: 'rework.requested', by, detail: command });
  return true;
}

/** Re-readings of raw topics whose end is not marked. */
export async function openRereads(client: Pool): Promise<readonly ReworkRequested[]> {
  const { rows } = await client.query<ReworkRow>(
    `select command, cancelled_by from control.rework
     where not marked and command->'reread' <> 'null'::jsonb order by requested_time limit 1000`,
  );
  return rows.map(({ command }) => command);
}

/** Marks the end of a re-reading, once. */
export async function endReread(
  client: PoolClient,
  id: string,
  marker: RangeReread,
): Promise<void> {
  const { rowCount } = await client.query(
    'update control.rework set marked = true where rework_id = $1 and not marked',
    [id],
  );
  if (rowCount === 0) return;
  const { name: topic } = topics.positionBackfill;
  const key = taskKey(marker.tenant_id, marker.unit);
  await enqueue(client, { topic, key, type: 'RangeReread', message: marker });
}

/** Stores verdicts for publishing. */
export async function storeVerdicts(
  client: PoolClient,
  verdicts: readonly ProposalJudged[],
): Promise<void> {
  const { name: topic } = topics.proposalVerdict;
  for (const message of verdicts) {
    const { tenant_id: tenant, unit, business_date, judged_by: by } = message;
    const key = `${taskKey(tenant, unit)}/${business_date}`;
    await enqueue(client, { topic, key, type: 'ProposalJudged', message });
    await audit(client, { tenant, action: 'proposal.judged', by, detail: message });
  }
}

/** Reads a command. */
export async function readRework(
  client: Pool | PoolClient,
  id: string,
): Promise<ReworkOrder | undefined> {
  const { rows } = await client.query<ReworkRow>(
    'select command, cancelled_by from control.rework where rework_id = $1',
    [id],
  );
  return rows[0];
}

/** Cancels a command, once. */
export async function cancelRework(
  client: PoolClient,
  id: string,
  by: string,
): Promise<ReworkOrder | undefined> {
  const { rowCount } = await client.query(
    'update control.rework set cancelled_by = $2 where rework_id = $1 and cancelled_by is null',
    [id, by],
  );
  const order = await readRework(client, id);
  if (order === undefined || rowCount === 0) return order;
  const { service } = order.command;
  const message: ReworkCancelled = {
    rework_id: id,
    service,
    requested_by: by,
    requested_time: Date.now(),
  };
  const { name: topic } = reworkTopics(service).commands;
  await enqueue(client, { topic, key: id, type: 'ReworkCancelled', message });
  await audit(client, { tenant: NO_TENANT, action: 'rework.cancelled', by, detail: message });
  return order;
}
