import { topics } from '@waybill/contracts';
import type { LedgerTx } from '@waybill/ledger';
import type { RunningService } from '@waybill/runtime';
import { handleRecords } from './handle-records.ts';
import { createRoutes } from './handle-requests.ts';
import type { Ports } from './ports.ts';
import { publishCompleteness } from './publish-completeness.ts';
import { createTenants } from './tenants.ts';

/** Consumer group. */
export const SERVICE = 'reconciler';

/** Keeps the ledger and compares it with the ERPs. */
export async function createService(ports: Ports): Promise<RunningService> {
  const tenants = createTenants(ports.logger);
  const runner = await ports.streams.project<LedgerTx>({
    service: SERVICE,
    inputs: [
      topics.wialonPage,
      topics.webhookRaw,
      topics.position,
      topics.trip,
      topics.siteVisit,
      topics.tripStatus,
      topics.idle,
      topics.fuelLevel,
      topics.odometer,
      topics.workOrder,
      topics.shift,
      topics.geofence,
      topics.delivery,
      topics.task,
      topics.wialonSession,
      topics.wialonCount,
      topics.hourCount,
      topics.transformerDeadLetter,
      topics.detectorDeadLetter,
      topics.sinkDeadLetter,
    ],
    tables: [topics.tenantConfig, topics.idMapping],
    store: ports.store,
    handle: async (records, tx) => {
      await handleRecords(records, tx);
      await publishCompleteness(records, tx, ports);
    },
    onTable: tenants.onTable,
  });
  return {
    health: () => ({ ready: runner.ready(), positions: runner.positions() }),
    routes: createRoutes(tenants, ports),
    done: runner.done,
    stop: async () => {
      await runner.stop();
      await ports.publisher.close();
      await ports.streams.close();
      await ports.ledger.close();
    },
  };
}
