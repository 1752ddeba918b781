import type { ReworkCancelled, ReworkRequested } from '@waybill/contracts';
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
export async function storeRework(client: PoolClient, command: ReworkRequested): Promise<void> {
  const { rework_id: id, service, requested_by: by } = command;
  await client.query('insert into control.rework (rework_id, command) values ($1, $2)', [
    id,
    JSON.stringify(command),
  ]);
  const { name: topic } = reworkTopics(service).commands;
  await enqueue(client, { topic, key: id, type: 'ReworkRequested', message: command });
  await audit(client, { tenant: NO_TENANT, action: 'rework.requested', by, detail: command });
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
