import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { topics } from '@waybill/contracts';
import { requestEnvironment, requestNodeArguments } from '@waybill/runtime';
import type { Stack } from '@waybill/stack';
import {
  connectAdmin,
  connectStreams,
  type StreamAdmin,
  type StreamOptions,
} from '@waybill/stream';
import { loadTenant } from '@waybill/tenant';
import { configured } from '@waybill/testkit';
import { processCpuSeconds } from './process-cpu.ts';
import { SECRET, TENANT } from './requests.ts';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const floorScript = fileURLToPath(
  new URL('../../../services/ingest/src/testing/floor-process.ts', import.meta.url),
);

/** A server under load, with what the kernel knows about its process. */
export interface Target {
  readonly port: number;
  /** User and system, of all threads. */
  readonly cpuSeconds: () => number;
  readonly memoryMib: (figure: 'VmHWM' | 'VmRSS') => number;
  /** Its metrics, where it has any. */
  readonly metrics?: () => Promise<string>;
  readonly stop: () => Promise<void>;
}

/** The broker side of a run: topics, tenant file, secrets; made once per run. */
export interface Door {
  readonly start: (env?: Readonly<Record<string, string>>) => Promise<Target>;
  /** Records in the raw topic. */
  readonly records: () => Promise<number>;
  readonly close: () => Promise<void>;
}

/** Provisions the topics and applies the demo tenant's file, as `waybill tenant apply` would. */
export async function openDoor(stack: Stack, dir: string, namespace: string): Promise<Door> {
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const options: StreamOptions = {
    brokers: stack.kafka.brokers,
    registryUrl: stack.registry.url,
    namespace,
    clientId: 'bench',
    logger: silent,
  };
  const admin = await connectAdmin(options);
  await admin.provision([topics.tenantConfig, topics.webhookRaw, topics.ingestDeadLetter], {
    task: 8,
    source: 4,
  });
  await applyTenant(options);
  const database = await stack.createDatabase(`${namespace}ingest`);
  const secretsDir = join(dir, 'secrets');
  mkdirSync(secretsDir, { recursive: true });
  const secrets = JSON.stringify({ webhook_k1: SECRET, database_url: database });
  writeFileSync(join(secretsDir, `${TENANT}.json`), secrets);
  return {
    start: (env = {}) =>
      startTarget(join(repository, 'services/ingest/src/main.ts'), {
        KAFKA_BROKERS: stack.kafka.brokers.join(','),
        SCHEMA_REGISTRY_URL: stack.registry.url,
        KAFKA_NAMESPACE: namespace,
        SECRETS_DIR: secretsDir,
        INGEST_DATABASE_URL: `secret://files/${TENANT}#database_url`,
        LOG_LEVEL: 'info',
        ...env,
      }),
    records: () => recordsOf(admin),
    close: () => admin.close(),
  };
}

async function applyTenant(options: StreamOptions): Promise<void> {
  const { model } = await loadTenant(join(repository, 'deploy/tenants', TENANT));
  const value = configured(model, { applied_time: Date.now(), applied_by: 'bench' });
  const streams = await connectStreams(options);
  const publisher = await streams.publisher([topics.tenantConfig]);
  await publisher.send([
    { topic: topics.tenantConfig, key: TENANT, message: { type: 'TenantConfigured', value } },
  ]);
  await publisher.close();
  await streams.close();
}

async function recordsOf(admin: StreamAdmin): Promise<number> {
  const ends = await admin.ends([topics.webhookRaw]);
  return Number([...ends.values()].reduce((sum, end) => sum + end, 0n));
}

/** The floor: HTTP, raw body, HMAC, nothing else. */
export function startFloor(): Promise<Target> {
  return startTarget(floorScript, { FLOOR_SECRET: SECRET });
}

/** `BENCH_NODE_ARGS` and `BENCH_CPU_PROFILE_DIR`: for trying settings and looking for the time. */
function extraArguments(): readonly string[] {
  const { BENCH_NODE_ARGS, BENCH_CPU_PROFILE_DIR } = process.env;
  return [
    ...(BENCH_NODE_ARGS === undefined ? [] : BENCH_NODE_ARGS.split(' ')),
    ...(BENCH_CPU_PROFILE_DIR === undefined
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${BENCH_CPU_PROFILE_DIR}`]),
  ];
}

async function startTarget(script: string, env: Readonly<Record<string, string>>): Promise<Target> {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, [...requestNodeArguments, ...extraArguments(), script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...{ PATH, NODE_COMPILE_CACHE, MALLOC_ARENA_MAX: '1' },
      ...requestEnvironment,
      WAYBILL_PARENT_PID: String(process.pid),
      ...env,
    },
  });
  const exit = once(child, 'exit');
  const { webhook_port: port, port: internal } = await Promise.race([
    startedLine(child),
    exit.then(() => Promise.reject(new Error(`${script} ended before it listened`))),
  ]);
  const target = targetOf(child, port, async () => {
    child.kill('SIGTERM');
    await exit;
  });
  if (internal === undefined) return target;
  return {
    ...target,
    metrics: async () => (await fetch(`http://127.0.0.1:${internal}/metrics`)).text(),
  };
}

/** A child process as a target. */
export function targetOf(child: ChildProcess, port: number, stop: () => Promise<void>): Target {
  const { pid } = child;
  return {
    port,
    cpuSeconds: () => (pid === undefined ? 0 : processCpuSeconds(pid)),
    memoryMib: (figure) => {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const kib = Number(new RegExp(`${figure}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0);
      return Math.round(kib / 102.4) / 10;
    },
    stop,
  };
}

interface Started {
  readonly webhook_port: number;
  /** Of the internal listener. */
  readonly port?: number;
}

/** The first line that names the port; what comes after is thrown away. */
function startedLine(child: ChildProcess): Promise<Started> {
  const { stdout } = child;
  if (stdout === null) return Promise.reject(new Error('expected a piped output'));
  return new Promise((resolve) => {
    const lines = createInterface(stdout).on('line', (line) => {
      const fields = JSON.parse(line) as Partial<Started> & { readonly level?: string };
      if (fields.level === 'fatal') console.error(line);
      const { webhook_port, port } = fields;
      if (webhook_port === undefined) return;
      lines.close();
      stdout.resume();
      resolve({ webhook_port, ...(port !== undefined && { port }) });
    });
  });
}
