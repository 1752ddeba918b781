import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allTopics } from '@waybill/contracts';
import { createPool } from '@waybill/postgres';
import { requestNodeArguments } from '@waybill/runtime';
import { freePort, type Stack } from '@waybill/stack';
import { connectAdmin, type StreamAdmin } from '@waybill/stream';
import { until } from '@waybill/testkit';
import { tokenOf } from '@waybill/wialon-twin';
import type pg from 'pg';
import { call } from './http.ts';
import { supervise, type Supervised } from './processes.ts';
import type { Scenario } from '@waybill/wialon-twin';
import { scenarioFile } from './scenario.ts';

const repository = new URL('../../', import.meta.url).pathname;
const TASK_PARTITIONS = 8;
const SOURCE_PARTITIONS = 4;
const ERP_STATEMENT_TIMEOUT_MS = 60_000;

/** The services, in the order of the data's way. */
export const serviceNames = [
  'ingest',
  'wialon-extractor',
  'transformer',
  'detector',
  'erp-sink',
  'reconciler',
  'console',
] as const;
export type ServiceName = (typeof serviceNames)[number];

export interface SystemOptions {
  readonly stack: Stack;
  readonly scenario: Scenario;
  readonly seed: number;
  readonly speed: number;
  /** Folder of this run: logs, secrets, tenant files, the trouble plan. */
  readonly dir: string;
  /** Prefix of topics, groups and databases: several runs share one stack. */
  readonly namespace: string;
  /** The recording starts again when it is over (load runs). */
  readonly loop?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly onProgress?: (line: string) => void;
  /** Ends the start early; everything started so far is stopped. */
  readonly interrupted?: AbortSignal;
  /** Aborted when the stack below broke: then the system has failed, for that reason. */
  readonly broken?: AbortSignal;
}

/** A complete running system: twin, ERP databases and all services. */
export interface System {
  readonly dir: string;
  readonly troubleFile: string;
  readonly twinUrl: string;
  readonly services: ReadonlyMap<ServiceName, Supervised>;
  readonly twin: Supervised;
  readonly admin: StreamAdmin;
  /** Secret with which the demo's dispatch system signs. */
  readonly webhookSecret: string;
  /** The file that has it, as `waybill webhook` wants it. */
  readonly webhookSecretFile: string;
  readonly webhookUrl: string;
  readonly erp: ReadonlyMap<string, pg.Pool>;
  readonly erpUrl: (tenant: string) => string;
  /** Folder of the tenants' files as applied. */
  readonly tenantsDir: string;
  readonly url: (service: ServiceName) => string;
  readonly failed: AbortSignal;
  readonly stop: () => Promise<void>;
}

/** Tenants of the repository: their folders in deploy/tenants. */
export const tenantIds: readonly string[] = readdirSync(join(repository, 'deploy/tenants'), {
  withFileTypes: true,
})
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .toSorted();

function databaseOf(namespace: string, name: string): string {
  return `${namespace}${name}`.replaceAll(/[^a-z0-9_]/g, '_');
}

async function prepareErp(tenant: string, pool: pg.Pool): Promise<void> {
  for (const file of ['schema.sql', 'seed.sql']) {
    await pool.query(readFileSync(join(repository, 'deploy/tenants', tenant, 'erp', file), 'utf8'));
  }
}

/** Like Promise.all, but nothing is still being opened when it rejects. */
async function allEnded(steps: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(steps)) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}

function writeSecret(dir: string, name: string, fields: Record<string, string>): void {
  writeFileSync(join(dir, `${name}.json`), JSON.stringify(fields), { mode: 0o600 });
}

/** Copies the tenant folders with the twin's address in place of the default one. */
function prepareTenants(target: string, twinUrl: string): void {
  cpSync(join(repository, 'deploy/tenants'), target, { recursive: true });
  for (const tenant of tenantIds) {
    const file = join(target, tenant, 'tenant.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replaceAll(/http:\/\/127\.0\.0\.1:8180/g, twinUrl));
  }
}

/** Brings everything up with the data clock held at the start. */
export async function startSystem(options: SystemOptions): Promise<System> {
  const { stack, scenario, dir, namespace } = options;
  const progress = options.onProgress ?? (() => undefined);
  const failure = new AbortController();
  const giveUp = (message: string): void => failure.abort(new Error(message));
  const failed = AbortSignal.any([failure.signal, ...(options.broken ? [options.broken] : [])]);
  const secretsDir = join(dir, 'secrets');
  const logDir = join(dir, 'logs');
  const tenantsDir = join(dir, 'tenants');
  for (const folder of [secretsDir, logDir]) mkdirSync(folder, { recursive: true, mode: 0o700 });

  const started: Supervised[] = [];
  const pools: pg.Pool[] = [];
  let admin: StreamAdmin | undefined;
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((process) => process.stop()));
    await Promise.all(pools.map((pool) => pool.end()));
    await admin?.close();
  };

  try {
    const troubleFile = join(dir, 'trouble.json');
    const twinPort = await freePort();
    const twinUrl = `http://127.0.0.1:${twinPort}`;
    const twin = supervise({
      name: 'wialon-twin',
      script: join(repository, 'packages/wialon-twin/src/main.ts'),
      args: [
        ...['--scenario', scenarioFile(scenario.name), '--seed', String(options.seed)],
        ...['--speed', String(options.speed), '--port', String(twinPort)],
        ...['--trouble-out', troubleFile, '--start-held'],
        ...(options.loop === true ? ['--loop'] : []),
      ],
      env: {},
      port: twinPort,
      logDir,
      maxRestarts: 0,
      onGivenUp: giveUp,
    });
    started.push(twin);

    progress('creating databases, topics and contracts');
    const erp = new Map<string, pg.Pool>();
    const erpUrl = (tenant: string): string =>
      stack.postgres.url(databaseOf(namespace, `erp_${tenant}`));
    const platform = databaseOf(namespace, 'waybill');
    const connecting = connectAdmin({
      brokers: stack.kafka.brokers,
      registryUrl: stack.registry.url,
      clientId: 'demo',
      namespace,
      logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
    });
    await allEnded([
      stack.createDatabase(platform),
      connecting.then(async (connected) => {
        admin = connected;
        await connected.provision(allTopics, { task: TASK_PARTITIONS, source: SOURCE_PARTITIONS });
      }),
      ...tenantIds.map(async (tenant) => {
        await stack.createDatabase(databaseOf(namespace, `erp_${tenant}`));
        const pool = createPool(erpUrl(tenant), {
          applicationName: 'demo',
          max: 3,
          statementTimeoutMs: ERP_STATEMENT_TIMEOUT_MS,
        });
        pools.push(pool);
        await prepareErp(tenant, pool);
        erp.set(tenant, pool);
      }),
    ]);
    const webhookSecret = randomBytes(24).toString('hex');
    for (const tenant of tenantIds) {
      writeSecret(secretsDir, tenant, {
        wialon_token_1: tokenOf(tenant, 1),
        wialon_token_2: tokenOf(tenant, 2),
        erp_url: erpUrl(tenant),
        webhook_k1: webhookSecret,
      });
    }
    writeSecret(secretsDir, 'platform', { url: stack.postgres.url(platform) });
    prepareTenants(tenantsDir, twinUrl);

    progress('starting the services');
    const services = new Map<ServiceName, Supervised>();
    const webhookPort = await freePort();
    const database = 'secret://files/platform#url';
    for (const name of serviceNames) {
      const port = await freePort();
      const service = supervise({
        name,
        script: join(repository, `services/${name}/src/main.ts`),
        ...(name === 'ingest' ? { nodeArguments: requestNodeArguments } : {}),
        env: {
          KAFKA_BROKERS: stack.kafka.brokers.join(','),
          KAFKA_NAMESPACE: namespace,
          SCHEMA_REGISTRY_URL: stack.registry.url,
          HTTP_PORT: String(port),
          SECRETS_DIR: secretsDir,
          ...(name === 'ingest'
            ? { INGEST_DATABASE_URL: database, INGEST_HTTP_PORT: String(webhookPort) }
            : {}),
          ...(name === 'transformer' ? { KAFKA_TASK_PARTITIONS: String(TASK_PARTITIONS) } : {}),
          ...(name === 'erp-sink' ? { DELIVERY_DATABASE_URL: database } : {}),
          ...(name === 'reconciler' ? { LEDGER_DATABASE_URL: database } : {}),
          ...(name === 'console'
            ? { CONTROL_DATABASE_URL: database, LEDGER_DATABASE_URL: database }
            : {}),
          ...options.env,
        },
        port,
        logDir,
        onGivenUp: giveUp,
      });
      started.push(service);
      services.set(name, service);
    }
    const url = (name: ServiceName): string => `http://127.0.0.1:${services.get(name)?.port ?? 0}`;
    const ended = AbortSignal.any([failed, ...(options.interrupted ? [options.interrupted] : [])]);
    const wait = { everyMs: 100, signal: ended };
    await until('the twin', () => call(`${twinUrl}/twin/clock`), wait);
    await until('the console', () => call(`${url('console')}/health`), wait);
    for (const tenant of tenantIds) {
      await call(`${url('console')}/tenants/${tenant}/apply`, { dir: join(tenantsDir, tenant) });
    }
    for (const name of serviceNames) {
      await until(`${name} to be ready`, () => call(`${url(name)}/health`), wait);
    }
    if (admin === undefined) throw new Error('no connection to the broker');
    return {
      dir,
      troubleFile,
      twinUrl,
      services,
      twin,
      admin,
      webhookSecret,
      webhookSecretFile: `${join(secretsDir, 'bay-cabs.json')}#webhook_k1`,
      webhookUrl: `http://127.0.0.1:${webhookPort}/webhooks/telematics`,
      erp,
      erpUrl,
      tenantsDir,
      url,
      failed,
      stop,
    };
  } catch (error) {
    await stop();
    throw failed.aborted ? failed.reason : error;
  }
}
