import { topics } from '@waybill/contracts';
import { toFault } from '@waybill/fault';
import type { PoolClient } from '@waybill/postgres';
import type { RunningService } from '@waybill/runtime';
import type { ProjectionStore } from '@waybill/stream';
import type { Config } from './config.ts';
import { sinkFault } from './errors.ts';
import { createEventHandler } from './handle-events.ts';
import { createTableHandler } from './handle-tables.ts';
import { startLoop } from './loop.ts';
import type { Ports } from './ports.ts';
import { startPublishing } from './publisher.ts';
import { SERVICE } from './service-name.ts';
import { startStanding, type Standing } from './standing.ts';
import { createTargets } from './targets.ts';
import { createTenants } from './tenants.ts';
import { startWorkers } from './workers.ts';

const MAINTENANCE_MS = 1000;

type SinkConfig = Pick<Config, 'DELIVERY_WORKERS' | 'DELIVERY_OUTBOX_LIMIT'>;

/** Keeps account of the transactions that fill the inbox, and wakes the workers after each. */
function watched(
  store: ProjectionStore<PoolClient>,
  standing: Standing,
  onCommit: () => void,
): ProjectionStore<PoolClient> {
  return {
    offsets: store.offsets,
    advance: async (step, work) => {
      const moved = await standing.track(() => store.advance(step, work));
      onCommit();
      return moved;
    },
  };
}

/** `POST /resume` {tenant}: a person cleared the way, parked facts are tried again. */
function resumeRoute(ports: Ports, standing: Standing, wake: () => void) {
  return async (_url: URL, body: Buffer) => {
    let tenant: unknown;
    try {
      ({ tenant } = JSON.parse(body.toString()) as { tenant?: unknown });
    } catch {
      tenant = undefined;
    }
    if (typeof tenant !== 'string') {
      throw sinkFault('BODY_INVALID', 'decode', 'expected a body like {"tenant": "bay-cabs"}');
    }
    const resumed = await standing.track(() =>
      ports.transaction((tx) => ports.inbox.resume(tx, tenant)),
    );
    wake();
    return { status: 200, body: { resumed } };
  };
}

/**
 * Events → inbox → ids as of event time → ownership → mapping → period → ERP; newest wins. Start order:
 * tables, outbox and counts, workers, consumer; stop is the reverse.
 */
export async function createService(config: SinkConfig, ports: Ports): Promise<RunningService> {
  const { streams, inbox, mappings, logger, metrics } = ports;
  await inbox.migrate();
  await mappings.migrate();
  const tenants = createTenants(logger);
  const targets = createTargets(ports.openErp);
  const publisher = await streams.publisher([topics.delivery, topics.sinkDeadLetter]);
  const standing = startStanding({ inbox, metrics, logger });
  const outbox = startPublishing({ inbox, publisher, logger });
  let areTablesRead = false;
  const workers = startWorkers({
    lanes: config.DELIVERY_WORKERS,
    inbox,
    parts: { ports, tenants, targets, inbox, mappings, logger },
    mayWork: () => areTablesRead && standing.counts().outbox <= config.DELIVERY_OUTBOX_LIMIT,
    onSettled: () => {
      outbox.wake();
      standing.loop.wake();
    },
  });
  const maintenance = startLoop({
    name: 'maintenance',
    idleMs: () => MAINTENANCE_MS,
    logger,
    round: async () => {
      if ((await inbox.wake()) > 0) workers.wake();
      if (standing.counts().waiting_for > 0) await assignLate(ports, tenants.all());
      return false;
    },
  });
  const onTable = createTableHandler({ ports, tenants, targets });
  const runner = await streams.project<PoolClient>({
    service: SERVICE,
    inputs: [
      topics.trip,
      topics.siteVisit,
      topics.tripStatus,
      topics.idle,
      topics.fuelLevel,
      topics.odometer,
      topics.workOrder,
      topics.shift,
      topics.geofence,
    ],
    tables: [topics.idMapping, topics.tenantConfig],
    deadLetter: topics.sinkDeadLetter,
    store: watched(ports.store, standing, workers.wake),
    handle: createEventHandler({ inbox, tenants, metrics }),
    onTable: async (topic, key, message) => {
      await standing.track(() => onTable(topic, key, message));
      workers.wake();
    },
  });
  // `project` resolves when the tables are read: before that every fact would look unmapped.
  areTablesRead = true;
  workers.wake();
  const loops = [standing.loop, outbox, workers, maintenance];
  const ended = Promise.all([runner.done, ...loops.map((loop) => loop.done)]);
  return {
    health: () => ({
      ready: runner.ready(),
      positions: runner.positions(),
      extra: { ...standing.counts(), workers: workers.active() },
    }),
    routes: { 'POST /resume': resumeRoute(ports, standing, workers.wake) },
    done: ended.then(
      () => undefined,
      (error: unknown) => {
        throw toFault(error, 'deliver');
      },
    ),
    stop: async () => {
      await runner.stop();
      await workers.stop();
      await maintenance.stop();
      await outbox.stop();
      await standing.loop.stop();
      await publisher.close();
      await targets.close();
      await streams.close();
      await ports.closeDatabase();
    },
  };
}

/** Facts that were read just before their tenant's file: seldom, and never forgotten. */
async function assignLate(
  { inbox, transaction }: Ports,
  models: Iterable<{ readonly tenant_id: string; readonly erp: { readonly target: string } }>,
): Promise<void> {
  for (const { tenant_id: tenantId, erp } of models) {
    await transaction((tx) => inbox.assignTarget(tx, tenantId, erp.target));
  }
}
