import { topics } from '@waybill/contracts';
import type { RunningService } from '@waybill/runtime';
import { createBackfillOrders } from './backfill-orders.ts';
import { createLoginGate } from './login-gate.ts';
import { accountsHealth, ownAccounts, type Workers } from './own-accounts.ts';
import type { Ports } from './ports.ts';
import { createTenants } from './tenants.ts';

/** Consumer group and prefix of the transactional ids. */
export const SERVICE = 'wialon-extractor';

/** Pulls what the catalogue needs from the Wialon accounts of all tenants. */
export async function createService(ports: Ports): Promise<RunningService> {
  const tenants = createTenants(ports.logger);
  const gate = createLoginGate(ports.clock);
  const workers: Workers = new Map();
  const orders = createBackfillOrders();
  const runner = await ports.streams.extract({
    service: SERVICE,
    cursors: topics.wialonCursor,
    outputs: [
      topics.wialonPage,
      topics.wialonPageBackfill,
      topics.wialonCount,
      topics.wialonSession,
      topics.extractorReworkState,
    ],
    // Commands are read from their beginning at each start; what is done is known by the cursors.
    tables: [topics.tenantConfig, topics.extractorRework],
    onTable: (topic, key, message) => {
      tenants.apply(topic, key, message);
      orders.apply(topic, key, message);
    },
    own: (owner) => ownAccounts(owner, tenants, ports, { gate, workers, orders }),
  });
  return {
    health: () => ({
      ready: runner.ready(),
      positions: runner.positions(),
      extra: { accounts: accountsHealth(workers) },
    }),
    done: runner.done,
    stop: async () => {
      await runner.stop();
      await ports.streams.close();
    },
  };
}
