import { isDeepStrictEqual } from 'node:util';
import type { Owner } from '@waybill/stream';
import type { BackfillOrders } from './backfill-orders.ts';
import { accountKey } from './core/account.ts';
import type { LoginGate } from './login-gate.ts';
import type { WorkerPorts } from './ports.ts';
import type { CursorMessage } from './records.ts';
import type { Tenants } from './tenants.ts';
import { startWorker, type AccountHealth, type AccountWorker } from './worker.ts';

/** Workers by account key; shared with `/health`. */
export type Workers = Map<string, AccountWorker>;

/** State of all accounts of this process, by account key. */
export function accountsHealth(workers: Workers): Readonly<Record<string, AccountHealth>> {
  return Object.fromEntries([...workers].map(([key, worker]) => [key, worker.health()]));
}

/**
 * Keeps one worker per account of an owned partition while it is owned: starts those of new accounts,
 * stops those that are gone, replaces those whose settings changed. Rejects when a worker hits a bug.
 */
export async function ownAccounts(
  owner: Owner<CursorMessage>,
  tenants: Tenants,
  ports: WorkerPorts,
  shared: {
    readonly gate: LoginGate;
    readonly workers: Workers;
    readonly orders: BackfillOrders;
  },
): Promise<void> {
  const { gate, workers, orders } = shared;
  const own = new Map<string, AccountWorker>();
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  // The race below is not always listening.
  failed.catch(() => undefined);

  async function end(key: string, worker: AccountWorker): Promise<void> {
    await worker.stop();
    own.delete(key);
    if (workers.get(key) === worker) workers.delete(key);
  }

  async function reconcile(): Promise<void> {
    const wanted = new Map(
      tenants
        .accounts()
        .map((account) => [accountKey(account), account] as const)
        .filter(([key]) => owner.owns(key)),
    );
    for (const [key, worker] of own) {
      if (!isDeepStrictEqual(worker.account, wanted.get(key))) await end(key, worker);
    }
    for (const [key, account] of wanted) {
      if (own.has(key)) continue;
      const worker = startWorker(account, owner, ports, gate, orders);
      worker.done.catch(fail);
      own.set(key, worker);
      workers.set(key, worker);
    }
  }

  try {
    while (!owner.revoked.aborted) {
      const changed = nextChange(owner.revoked, tenants);
      await reconcile();
      await Promise.race([changed, failed]);
    }
  } finally {
    await Promise.allSettled([...own].map(([key, worker]) => end(key, worker)));
  }
}

/** Resolves at the next change of the tenants, or when the partition is taken away. */
function nextChange(revoked: AbortSignal, tenants: Tenants): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      revoked.removeEventListener('abort', finish);
      forget();
      resolve();
    };
    const forget = tenants.onChange(finish);
    revoked.addEventListener('abort', finish, { once: true });
    if (revoked.aborted) finish();
  });
}
