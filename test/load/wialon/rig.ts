import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allTopics, topics, type ReworkRequested } from '@waybill/contracts';
import { freePort, startStack, type Stack } from '@waybill/stack';
import { connectAdmin, connectStreams } from '@waybill/stream';
import { tenantModel } from '@waybill/tenant';
import { configured, until } from '@waybill/testkit';
import { tokenOf } from '@waybill/wialon-twin';
import { call } from '../../demo/http.ts';
import { supervise, type Supervised } from '../../demo/processes.ts';
import { startTwinProcess, type TwinProcess } from './twin-process.ts';

const repository = new URL('../../../', import.meta.url).pathname;
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const ACCOUNT = 'fleet';
const TENANT = 'acme';
const READY_MS = 900_000;
const TOPICS_MS = 120_000;

/** What `/health` of the extractor says about the one account. */
export interface Health {
  readonly state: string;
  readonly complete_to: number | null;
  readonly heard_to: number | null;
  readonly units: number;
}

/** Extractor, twin and a broker, as processes of their own. */
export interface Rig {
  readonly twin: TwinProcess;
  readonly extractor: Supervised;
  readonly health: () => Promise<Health | undefined>;
  /** The provider's clock, ms. */
  readonly providerNow: () => Promise<number>;
  /** Messages so far, by way: live, interval, backfill. */
  readonly messages: (way: string) => Promise<number>;
  /** Calls that the twin refused because of a limit, so far. */
  readonly refusedByLimits: () => Promise<number>;
  readonly backfill: (fromMs: number, toMs: number) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** The tenant that wants trips; trips need nothing but messages. */
function tenantOf(
  url: string,
  readFrom: Date,
  source: object,
): ReturnType<typeof tenantModel.parse> {
  return tenantModel.parse({
    tenant_id: TENANT,
    company: { company_id: TENANT, name: TENANT, zone: 'UTC', currency: 'EUR' },
    sources: [
      {
        source_id: 'wialon',
        kind: 'wialon',
        account: ACCOUNT,
        url,
        tokens: [`secret://files/${TENANT}#token`],
        read_from: readFrom.toISOString(),
        ...source,
      },
    ],
    events: { trip: 'detected', site_visit: 'off', trip_status: 'off' },
    detection: {},
    erp: { target: 'erp', adapter: 'postgres', url: `secret://files/${TENANT}#erp` },
    ownership: [],
    mappings: [
      {
        entity: 'trip',
        version: 1,
        table: 'trip',
        key: { id: { from: 'entity_id' } },
        columns: { vehicle: { from: 'vehicle_id' } },
        triple: { revision: 'revision', activation: 'activation', resolution: 'resolution' },
        retracted: 'retracted',
      },
    ],
  });
}

async function send(stack: Stack, topic: never, key: string, message: object): Promise<void> {
  const streams = await connectStreams({
    brokers: stack.kafka.brokers,
    registryUrl: stack.registry.url,
    clientId: 'bench',
    logger: silent,
  });
  const publisher = await streams.publisher([topic]);
  await publisher.send([{ topic, key, message: message as never }]);
  await publisher.close();
  await streams.close();
}

/** Starts everything and waits until the account is live. `source` changes its settings. */
export async function startRig(twinArgs: readonly string[], source: object): Promise<Rig> {
  const dir = mkdtempSync(join(tmpdir(), 'waybill-wialon-'));
  const ends: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of ends.toReversed()) await end();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const stack = await startStack({ dir: join(dir, 'stack'), log: (line) => console.error(line) });
    ends.push(() => stack.stop());
    const admin = await connectAdmin({
      brokers: stack.kafka.brokers,
      registryUrl: stack.registry.url,
      clientId: 'bench',
      logger: silent,
    });
    ends.push(() => admin.close());
    // A busy broker takes its time to elect leaders.
    await until(
      'the topics',
      async () => {
        await admin.provision(allTopics, { task: 8, source: 4 });
        return true;
      },
      { deadlineMs: TOPICS_MS, everyMs: 1000 },
    );
    const twin = await startTwinProcess(twinArgs);
    ends.push(() => twin.stop());
    const clock = async (): Promise<number> => {
      const { accounts } = await call<{ accounts: { now_s: number }[] }>(`${twin.url}/twin/clock`);
      return (accounts[0]?.now_s ?? 0) * 1000;
    };
    const model = tenantOf(twin.url, new Date(await clock()), source);
    const value = configured(model, { applied_time: Date.now(), applied_by: 'bench' });
    const config = { type: 'TenantConfigured', value };
    await send(stack, topics.tenantConfig as never, TENANT, config);
    const secrets = join(dir, 'secrets');
    for (const folder of [secrets, join(dir, 'logs')]) mkdirSync(folder, { mode: 0o700 });
    writeFileSync(join(secrets, `${TENANT}.json`), JSON.stringify({ token: tokenOf(ACCOUNT) }));
    const port = await freePort();
    const extractor = supervise({
      name: 'wialon-extractor',
      script: join(repository, 'services/wialon-extractor/src/main.ts'),
      env: {
        KAFKA_BROKERS: stack.kafka.brokers.join(','),
        SCHEMA_REGISTRY_URL: stack.registry.url,
        HTTP_PORT: String(port),
        SECRETS_DIR: secrets,
      },
      port,
      logDir: join(dir, 'logs'),
      onGivenUp: (message) => console.error(message),
    });
    ends.push(() => extractor.stop());
    const base = `http://127.0.0.1:${port}`;
    const health = async (): Promise<Health | undefined> => {
      const answer = await fetch(`${base}/health`).catch(() => undefined);
      const body = (await answer?.json()) as { accounts?: Record<string, Health> } | undefined;
      return Object.values(body?.accounts ?? {})[0];
    };
    await until('the account live', async () => (await health())?.state === 'live', {
      deadlineMs: READY_MS,
      everyMs: 500,
    });
    return {
      twin,
      extractor,
      health,
      providerNow: clock,
      messages: async (way) => {
        const text = await (await fetch(`${base}/metrics`)).text();
        const line = new RegExp(`^wialon_messages_total\\{[^}]*way="${way}"[^}]*\\} (\\d+)`, 'm');
        return Number(line.exec(text)?.[1] ?? 0);
      },
      refusedByLimits: async () => {
        const report = await call<{ calls: Record<string, { errors: Record<string, number> }> }>(
          `${twin.url}/twin/calls`,
        );
        return Object.values(report.calls).reduce(
          (sum, { errors }) => sum + (errors[1003] ?? 0),
          0,
        );
      },
      backfill: async (from_time, to_time) => {
        const command: ReworkRequested = {
          rework_id: randomBytes(16).toString('hex'),
          service: 'wialon-extractor',
          addresses: [],
          dead_letter_ids: [],
          topic: null,
          key: TENANT,
          from_time,
          to_time,
          partition: null,
          from_offset: null,
          to_offset: null,
          preview: false,
          rate_records_per_s: 100_000,
          requested_by: 'bench',
          requested_time: Date.now(),
          reread: null,
        };
        const message = { type: 'ReworkRequested', value: command };
        await send(stack, topics.extractorRework as never, command.rework_id, message);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
