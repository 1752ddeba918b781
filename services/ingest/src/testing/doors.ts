// Real ingest processes on a real broker and database, and what came out of them.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { topics, type AssetInterval, type WebhookReceived } from '@waybill/contracts';
import { requestNodeArguments } from '@waybill/runtime';
import {
  connectAdmin,
  connectStreams,
  type ProjectionStore,
  type StreamAdmin,
  type StreamOptions,
  type Streams,
} from '@waybill/stream';
import {
  configured,
  sampleTenant,
  testNamespace,
  testStack,
  type TestStack,
  until,
} from '@waybill/testkit';
import type { IpsSource } from '@waybill/tenant';
import { eventBody, signatureOf, tenant } from './harness.ts';

const mainScript = fileURLToPath(new URL('../main.ts', import.meta.url));
const crashingScript = fileURLToPath(new URL('crashing-process.ts', import.meta.url));

/** Where a process kills itself; see crashing-process.ts. */
export type CrashPoint =
  | 'before-claim'
  | 'after-claim'
  | 'during-append'
  | 'after-append'
  | 'after-answer'
  | 'after-complete';

/** One ingest process. */
export interface Door {
  readonly child: ChildProcess;
  /** Address of /health and /metrics. */
  readonly internal: string;
  readonly webhooks: string;
  /** Port of the Wialon IPS listener. */
  readonly ips: () => Promise<number>;
  readonly exit: Promise<number | null>;
}

export interface DoorOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Kills itself the first time it gets there. */
  readonly crashAt?: CrashPoint;
}

/** Broker, database, tenant file and secrets that several processes share. */
export interface Doors {
  readonly stack: TestStack;
  readonly databaseUrl: string;
  readonly start: (options?: DoorOptions) => Promise<Door>;
  /** All records of the raw topic, in any order. */
  readonly records: () => Promise<readonly WebhookReceived[]>;
  /** How many records the raw topic has. */
  readonly count: () => Promise<number>;
  /** Ends the processes, too. */
  readonly stop: () => Promise<void>;
}

/** `own`: a stack that the test may harm; it is stopped, too. Provisions topics in a namespace of their own and applies a tenant `bay-cabs` with a source `dispatch`, and a source `stream` for the trackers of 7001…7004. */
export async function openDoors(own?: TestStack): Promise<Doors> {
  const stack = own ?? (await testStack());
  const namespace = testNamespace();
  const databaseUrl = await stack.createDatabase(`${namespace}ingest`);
  const options: StreamOptions = {
    brokers: stack.kafka.brokers,
    registryUrl: stack.registry.url,
    namespace,
    clientId: 'test',
    logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
  };
  const admin = await connectAdmin(options);
  const used = [topics.tenantConfig, topics.asset, topics.webhookRaw, topics.ingestDeadLetter];
  await admin.provision(used, { task: 8, source: 4 });
  const streams = await connectStreams(options);
  await applyTenant(streams);
  const secretsDir = await mkdtemp(join(tmpdir(), 'ingest-secrets-'));
  const secrets = JSON.stringify({ webhook_k1: 'geheim-1', database_url: databaseUrl });
  await writeFile(join(secretsDir, 'bay-cabs.json'), secrets);
  const env = {
    PATH: process.env['PATH'],
    KAFKA_BROKERS: stack.kafka.brokers.join(','),
    SCHEMA_REGISTRY_URL: stack.registry.url,
    KAFKA_NAMESPACE: namespace,
    SECRETS_DIR: secretsDir,
    INGEST_DATABASE_URL: 'secret://files/bay-cabs#database_url',
    WAYBILL_PARENT_PID: String(process.pid),
  };
  const started: Door[] = [];
  const reader = rawReader(streams, admin);
  return {
    stack,
    databaseUrl,
    start: async ({ crashAt, env: own } = {}) => {
      const crash = crashAt === undefined ? {} : { CRASH_AT: crashAt };
      const script = crashAt === undefined ? mainScript : crashingScript;
      const door = await startProcess(script, { ...env, ...own, ...crash });
      started.push(door);
      return door;
    },
    records: reader.read,
    count: () => countOf(admin),
    stop: async () => {
      for (const { child } of started) child.kill('SIGKILL');
      await Promise.all(started.map(({ exit }) => exit));
      await reader.stop();
      await streams.close();
      await admin.close();
      await stack.stop();
      await rm(secretsDir, { recursive: true });
    },
  };
}

/** Units whose trackers may send, and the device id of each. */
export const DEVICES: Readonly<Record<string, string>> = Object.fromEntries(
  ['7001', '7002', '7003', '7004'].map((id) => [`wialon:${id}`, `35000000000${id}`]),
);

async function applyTenant(streams: Streams): Promise<void> {
  const publisher = await streams.publisher([topics.tenantConfig, topics.asset]);
  const model = tenant('bay-cabs', { k1: 'secret://files/bay-cabs#webhook_k1' });
  const account = sampleTenant().sources.filter(({ kind }) => kind === 'wialon');
  const stream: IpsSource = { source_id: 'stream', kind: 'ips', secrets: {} };
  const value = configured({
    ...model,
    sources: [...model.sources, ...account, { ...stream, allowlist: ['127.0.0.1'] }],
  });
  const message = { type: 'TenantConfigured', value } as const;
  await publisher.send([{ topic: topics.tenantConfig, key: 'bay-cabs', message }]);
  await publisher.send(
    Object.entries(DEVICES).map(([unit, device_id]) => ({
      topic: topics.asset,
      key: `bay-cabs/${unit}`,
      message: {
        type: 'AssetDescribed',
        value: {
          tenant_id: 'bay-cabs',
          ...{ unit, event_time: 1, revision: 1, intervals: [described(device_id)] },
        },
      },
    })),
  );
  await publisher.close();
}

function described(device_id: string): AssetInterval {
  return {
    ...{ valid_from_time: null, valid_to_time: null, name: 'unit', device_id, vin: null },
    ...{ registration_plate: null, sensors: [], trip_detector: null, service_intervals: [] },
    ...{ measure_system: null, counter_flags: null, hardware_id: null },
  };
}

async function startProcess(script: string, env: NodeJS.ProcessEnv): Promise<Door> {
  const child = spawn(process.execPath, [...requestNodeArguments, script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  const exit = once(child, 'close').then(([code]) => code as number | null);
  const seen: string[] = [];
  const ready = new Promise<Record<string, unknown>>((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      if (seen.length < 20) seen.push(line);
      const fields = JSON.parse(line) as Record<string, unknown>;
      if (fields['msg'] === 'service.started') resolve(fields);
    });
  });
  const fields = await Promise.race([ready, exit]);
  if (typeof fields !== 'object' || fields === null) {
    throw new Error(`ingest did not start: ${seen.join('\n')}`);
  }
  const internal = `http://127.0.0.1:${String(fields['port'])}`;
  return {
    child,
    internal,
    ips: async () => {
      const health = (await (await fetch(`${internal}/health`)).json()) as { ips_port: number };
      return health.ips_port;
    },
    webhooks: `http://127.0.0.1:${String(fields['webhook_port'])}/webhooks/telematics`,
    exit,
  };
}

async function countOf(admin: StreamAdmin): Promise<number> {
  const ends = await admin.ends([topics.webhookRaw]);
  return Number([...ends.values()].reduce((sum, end) => sum + end, 0n));
}

/** Reads the raw topic to the end that it has when asked; starts with the first call. */
function rawReader(
  streams: Streams,
  admin: StreamAdmin,
): {
  readonly read: () => Promise<readonly WebhookReceived[]>;
  readonly stop: () => Promise<void>;
} {
  const seen: WebhookReceived[] = [];
  const offsets = new Map<string, bigint>();
  const store: ProjectionStore<undefined> = {
    offsets: async () => offsets,
    advance: async ({ topic, partition, next }, work) => {
      await work(undefined);
      offsets.set(`${topic}/${partition}`, next);
      return true;
    },
  };
  let runner: ReturnType<Streams['project']> | undefined;
  return {
    read: async () => {
      runner ??= streams.project({
        service: 'raw-reader',
        inputs: [topics.webhookRaw],
        store,
        handle: async (records) => {
          // The only contract of this topic.
          seen.push(...records.map(({ message }) => message.value as WebhookReceived));
        },
      });
      await runner;
      const end = await countOf(admin);
      await until(`${end} raw records`, () => seen.length >= end);
      return seen;
    },
    stop: async () => {
      await (await runner)?.stop();
    },
  };
}

/** Sends one signed event; rejects when the process dies before it answers. */
export function postEvent(door: Door, id: string, key: string): Promise<Response> {
  return postBody(door, eventBody(id), key);
}

/** Signs and posts a body. */
export function postBody(door: Door, body: string, key: string): Promise<Response> {
  return fetch(`${door.webhooks}/bay-cabs/dispatch`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'idempotency-key': key,
      'x-signature': signatureOf(body, Math.floor(Date.now() / 1000), 'geheim-1'),
    },
  });
}
