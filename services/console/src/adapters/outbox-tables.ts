import type { PoolClient } from '@waybill/postgres';

/** Writes who decided what; in the transaction of the decision. */
export async function audit(
  client: PoolClient,
  line: {
    readonly tenant: string;
    readonly action: string;
    readonly by: string;
    readonly detail: object;
  },
): Promise<void> {
  await client.query(
    'insert into control.audit (tenant_id, action, done_by, detail) values ($1, $2, $3, $4)',
    [line.tenant, line.action, line.by, JSON.stringify(line.detail)],
  );
}

/** Puts a record into the outbox; it is published after the commit. */
export async function enqueue(
  client: PoolClient,
  row: {
    readonly topic: string;
    readonly key: string;
    readonly type: string;
    readonly message: object;
  },
): Promise<void> {
  await client.query(
    'insert into control.outbox (topic, key, message_type, message) values ($1, $2, $3, $4)',
    [row.topic, row.key, row.type, JSON.stringify(row.message)],
  );
}
