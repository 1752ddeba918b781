import { setTimeout as delay } from 'node:timers/promises';
import { topics } from '@waybill/contracts';
import { migrate } from '@waybill/postgres';
import type { RunningService } from '@waybill/runtime';
import { createAdmission } from './adapters/admission.ts';
import { clientAddress, trustedProxies } from './adapters/allowlist.ts';
import { migrations, SCHEMA } from './adapters/claims-schema.ts';
import { listenForWebhooks } from './adapters/http-server.ts';
import { postgresClaims } from './adapters/postgres-claims.ts';
import { postgresRefusalLog } from './adapters/refusal-log.ts';
import { refusalRoutes } from './adapters/refusal-routes.ts';
import { streamQuarantine } from './adapters/stream-quarantine.ts';
import { streamRawLog } from './adapters/stream-raw-log.ts';
import { followSources } from './adapters/tenant-sources.ts';
import { followTls, readTls, tlsFiles, type TlsConfig } from './adapters/tls.ts';
import { createAuthentication, type AuthenticationConfig } from './authentication.ts';
import type { Config } from './config.ts';
import { createWebhookHandler } from './handle-webhook.ts';
import { startIpsListener, type IpsConfig } from './ips-listener.ts';
import type { Logger, Ports } from './ports.ts';
import { createThrottle } from './throttle-requests.ts';

/** Name in logs, metrics and client ids. */
export const SERVICE = 'ingest';

const SWEEP_INTERVAL_MS = 10_000;

export type ServiceConfig = AuthenticationConfig &
  TlsConfig &
  IpsConfig &
  Pick<
    Config,
    | 'INGEST_HTTP_HOST'
    | 'INGEST_HTTP_PORT'
    | 'INGEST_LEASE_S'
    | 'INGEST_SEND_TIMEOUT_MS'
    | 'INGEST_IN_FLIGHT_MAX'
    | 'INGEST_IN_FLIGHT_BYTES'
    | 'INGEST_CONNECTIONS_MAX'
    | 'INGEST_DRAIN_DELAY_MS'
    | 'INGEST_DRAIN_DEADLINE_MS'
    | 'INGEST_CLAIM_RETENTION_H'
    | 'INGEST_TLS_RELOAD_MS'
    | 'INGEST_TRUSTED_PROXIES'
    | 'INGEST_EVENT_ORIGINS'
  >;

/**
 * The door for pushed events. Start: claims, tenant files, publisher, listener; the listener comes last,
 * so nobody is answered before the sources are known. Stop is the reverse.
 */
export async function createService(config: ServiceConfig, ports: Ports): Promise<RunningService> {
  const { streams, pool, logger, metrics } = ports;
  const applied = await migrate(pool, SCHEMA, migrations);
  if (applied.length > 0) logger.info({ applied }, 'schema.migrated');
  const claims = postgresClaims(
    pool,
    { leaseS: config.INGEST_LEASE_S, retentionH: config.INGEST_CLAIM_RETENTION_H },
    logger,
    metrics,
  );
  const refusals = postgresRefusalLog(pool, { logger, dropped: metrics.auditDropped });
  const sources = await followSources(streams, logger);
  const publisher = await streams.publisher([topics.webhookRaw, topics.ingestDeadLetter]);
  const admission = createAdmission(
    { requests: config.INGEST_IN_FLIGHT_MAX, bytes: config.INGEST_IN_FLIGHT_BYTES },
    ports.now,
  );
  const raw = streamRawLog(publisher, admission, config.INGEST_SEND_TIMEOUT_MS, metrics);
  const quarantine = streamQuarantine(publisher, {
    timeoutMs: config.INGEST_SEND_TIMEOUT_MS,
    now: ports.now,
    metrics,
  });
  const { authenticate, answerToken } = createAuthentication(config, {
    ...ports,
    sources,
    refusals,
  });
  const throttle = createThrottle(sources);
  const isTrustedProxy = trustedProxies(config.INGEST_TRUSTED_PROXIES);
  const files = tlsFiles(config);
  const tls = files && (await readTls(files));
  const http = await listenForWebhooks({
    host: config.INGEST_HTTP_HOST,
    port: config.INGEST_HTTP_PORT,
    connectionsMax: config.INGEST_CONNECTIONS_MAX,
    admission,
    handle: createWebhookHandler({
      ...ports,
      authenticate,
      claims,
      raw,
      quarantine,
      refusals,
      throttle,
      admission,
    }),
    answerToken,
    origins: config.INGEST_EVENT_ORIGINS,
    tls,
    clientAddress: (remote, forwarded) => clientAddress(remote, forwarded, isTrustedProxy),
    onRefused: (code) => {
      metrics.answered('refused', code, 0);
      logger.warn({ outcome: 'refused', code }, 'webhook.answered');
    },
    onDropped: metrics.connectionDropped,
  });
  const ips = await startIpsListener(config, tls, {
    ...ports,
    sources,
    raw,
    quarantine,
    throttle,
    admission,
  });
  const secure = [http.secure, ips?.secure].filter((server) => server !== undefined);
  const stopTls =
    files && tls
      ? followTls(secure, files, {
          intervalMs: config.INGEST_TLS_RELOAD_MS,
          inForce: tls,
          logger,
        })
      : undefined;
  const stopSweeper = startSweeper([claims, refusals], logger);
  let stopping = false;
  const stopped = Promise.withResolvers<void>();
  return {
    health: () => ({
      ready: !stopping,
      positions: [],
      extra: {
        webhook_port: http.port,
        sources: sources.size(),
        in_flight: admission.requests(),
        in_flight_bytes: admission.bytes(),
        ...ips?.health(),
      },
    }),
    routes: refusalRoutes(refusals),
    started: { webhook_port: http.port, ...(ips && { ips_port: ips.port }) },
    done: stopped.promise,
    stop: async () => {
      // Not ready first: the load balancer must look away before the listener closes.
      stopping = true;
      stopSweeper();
      stopTls?.();
      if (config.INGEST_DRAIN_DELAY_MS > 0) await delay(config.INGEST_DRAIN_DELAY_MS);
      await Promise.all([
        http.close(config.INGEST_DRAIN_DEADLINE_MS),
        ips?.close(config.INGEST_DRAIN_DEADLINE_MS),
      ]);
      await refusals.close();
      // Requests whose senders hung up may still be at work.
      await publisher.close();
      await claims.close();
      await sources.stop();
      await streams.close();
      await pool.end();
      stopped.resolve();
    },
  };
}

/** What is too old is forgotten in the background; a failed round is made up by the next. Returns its end. */
function startSweeper(
  stores: readonly { readonly sweep: () => Promise<number> }[],
  logger: Logger,
): () => void {
  let state: 'idle' | 'sweeping' | 'stopped' = 'idle';
  const sweep = async (): Promise<void> => {
    for (const store of stores) {
      const count = await store.sweep();
      if (count > 0) logger.info({ count }, 'claims.swept');
    }
  };
  const timer = setInterval(() => {
    // Sweeps pause between their statements, so a long one may last beyond the next turn.
    if (state !== 'idle') return;
    state = 'sweeping';
    sweep()
      .catch((error: unknown) => {
        if (state !== 'stopped') logger.warn({ err: error }, 'claims.sweep_failed');
      })
      .finally(() => {
        if (state !== 'stopped') state = 'idle';
      });
  }, SWEEP_INTERVAL_MS).unref();
  return () => {
    state = 'stopped';
    clearInterval(timer);
  };
}
