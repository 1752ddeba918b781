// An ingest process that kills itself at one step of its first request. The steps are seen at the ports
// that the service is given, so the service has no place in it that knows of crashes.
import { createPool, type Pool } from '@waybill/postgres';
import { resolveSecret, resolveSetting, runService, secretStores } from '@waybill/runtime';
import { connectStreams, type Publisher } from '@waybill/stream';
import { configReader } from '../config.ts';
import { ingestMetrics } from '../metrics.ts';
import { createService } from '../service.ts';
import type { CrashPoint } from './doors.ts';

const crashAt = process.env['CRASH_AT'] as CrashPoint;

function crash(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
}

/** `open new` and `open` claim, `complete` notes that the claim is done; see claim-statements.ts. */
function crashingPool(pool: Pool): Pool {
  const query = pool.query.bind(pool) as (statement: {
    readonly name?: string;
  }) => Promise<unknown>;
  const crashing = async (statement: { readonly name?: string }): Promise<unknown> => {
    const { name } = statement;
    const claims = name === 'open new' || name === 'open';
    if (claims && crashAt === 'before-claim') await crash();
    if (name === 'complete' && crashAt === 'after-answer') await crash();
    const result = await query(statement);
    if (claims && crashAt === 'after-claim') await crash();
    if (name === 'complete' && crashAt === 'after-complete') await crash();
    return result;
  };
  return Object.assign(pool, { query: crashing });
}

function crashingPublisher(publisher: Publisher): Publisher {
  return {
    ...publisher,
    send: async (records) => {
      const sent = publisher.send(records);
      // The request to the brokers is on its way, or not yet: both happen.
      if (crashAt === 'during-append') await crash();
      await sent;
      if (crashAt === 'after-append') await crash();
    },
  };
}

await runService({
  name: 'ingest',
  config: configReader,
  start: async ({ config, logger, metrics, tracing }) => {
    const url = await resolveSetting(config.INGEST_DATABASE_URL, secretStores(config));
    const streams = await connectStreams({
      brokers: config.KAFKA_BROKERS,
      registryUrl: config.SCHEMA_REGISTRY_URL,
      namespace: config.KAFKA_NAMESPACE,
      clientId: 'ingest',
      logger,
    });
    const pool = createPool(url, { applicationName: 'ingest', max: 4 });
    const service = await createService(config, {
      streams: {
        ...streams,
        publisher: async (topics) => crashingPublisher(await streams.publisher(topics)),
      },
      pool,
      secrets: (reference) => resolveSecret(reference, secretStores(config)),
      metrics: ingestMetrics(metrics),
      tracing,
      logger,
      now: Date.now,
    });
    // Migrations are through: from here on only requests use the pool.
    crashingPool(pool);
    return service;
  },
});
