// Two processes on a real log share two accounts, and hand them over to each other.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { topics, type Message, type Topic } from '@waybill/contracts';
import { connectAdmin, connectStreams, partitionFor, type Streams } from '@waybill/stream';
import {
  configured,
  sampleTenant,
  startService,
  testNamespace,
  testStack,
  until,
  type ServiceProcess,
  type TestStack,
} from '@waybill/testkit';
import { SECOND_TOKEN, TOKEN } from './testing/bench.ts';
import { assertProgressIsTrue, timesOf, type Transaction } from './testing/owner.ts';
import { startProvider, type TestProvider } from './testing/provider.ts';

const NAMESPACE = testNamespace();
const UNITS = [7001, 7002];
const WAIT = { deadlineMs: 120_000, everyMs: 50 };
const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
const used = [
  ...[topics.tenantConfig, topics.wialonPage, topics.wialonPageBackfill, topics.wialonCursor],
  ...[topics.wialonCount, topics.wialonSession, topics.extractorRework],
  topics.extractorReworkState,
] as unknown as readonly Topic[];

/** A tenant in each of the two partitions, so that each process can own one. */
const TENANTS = [0, 1].map((partition) => {
  const names = Array.from({ length: 20 }, (_, at) => `fleet-${at}`);
  const name = names.find((one) => partitionFor(`${one}/wialon/${one}`, 2) === partition);
  return name ?? '';
});

interface AccountsHealth {
  readonly accounts?: Readonly<Record<string, { readonly state: string }>>;
}

let stack: TestStack;
let dir: string;
let streams: Streams;
let provider: TestProvider;
let collector: Server;
/** Every byte that left the processes: records, log lines, spans. */
const said: Buffer[] = [];
const records: { readonly topic: string; readonly key: string; readonly message: Message }[] = [];

before(async () => {
  stack = await testStack();
  dir = await mkdtemp(join(tmpdir(), 'waybill-extractor-'));
  const secrets = JSON.stringify({ first: SECOND_TOKEN, second: TOKEN });
  await writeFile(join(dir, 'fleet.json'), secrets);
  const options = {
    brokers: stack.kafka.brokers,
    registryUrl: stack.registry.url,
    ...{ namespace: NAMESPACE, clientId: 'test', logger },
  };
  const admin = await connectAdmin(options);
  await admin.provision(used, { task: 2, source: 2 });
  await admin.close();
  streams = await connectStreams(options);
  provider = await startProvider(() => Math.floor(Date.now() / 1000));
  // The first token is dead: each login fails over.
  provider.tokens.add(TOKEN);
  for (const unit of UNITS) provider.units.add(unit);
  collector = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => said.push(chunk));
    request.on('end', () => response.end());
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
});
after(async () => {
  await streams.close();
  await provider.close();
  collector.close();
  await stack.stop();
  await rm(dir, { recursive: true });
});

function start(t: TestContext): ServiceProcess {
  const env = {
    KAFKA_BROKERS: stack.kafka.brokers.join(','),
    SCHEMA_REGISTRY_URL: stack.registry.url,
    KAFKA_NAMESPACE: NAMESPACE,
    SECRETS_DIR: dir,
    LOG_LEVEL: 'debug',
    TRACE_POSITION_RATIO: '1',
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
  };
  const keep = (line: string): void => void said.push(Buffer.from(line));
  const process = startService(new URL('main.ts', import.meta.url), env, [], keep);
  t.after(() => process.end('SIGKILL'));
  return process;
}

async function applyTenants(): Promise<void> {
  const publisher = await streams.publisher([topics.tenantConfig]);
  const sample = sampleTenant();
  await publisher.send(
    TENANTS.map((tenant_id) => {
      const sources = sample.sources.map((source) => ({
        ...source,
        ...{ account: tenant_id, url: provider.url, poll_interval_ms: 1000 },
        ...{ tokens: ['secret://files/fleet#first', 'secret://files/fleet#second'] },
        ...{ read_from: new Date(Date.now() - 3_600_000).toISOString() },
      }));
      const events = { ...sample.events, latest_position: 'detected' as const };
      const value = configured({ ...sample, tenant_id, sources, events });
      return {
        topic: topics.tenantConfig,
        key: tenant_id,
        message: { type: 'TenantConfigured', value },
      };
    }),
  );
  await publisher.close();
}

/** Accounts that a process has live. */
async function liveAt(process: ServiceProcess): Promise<number> {
  const { accounts = {} } = (await process.health<AccountsHealth>()) ?? {};
  return Object.values(accounts).filter(({ state }) => state === 'live').length;
}

const logOf = (tenant: string): Transaction[] =>
  records
    .filter(({ topic, key }) => topic === topics.wialonPage.name && key.startsWith(`${tenant}/`))
    .map(({ key, message }) => [{ topic: topics.wialonPage, key, message }]);

test('accounts move between two processes, nothing is lost, and no secret stands anywhere', async (t) => {
  await streams.follow(used, (topic, key, message) => {
    said.push(Buffer.from(JSON.stringify({ key, message })));
    if (message === null) return;
    const { body } = message.value as { readonly body?: Buffer };
    if (body !== undefined) said.push(body);
    records.push({ topic: topic.name, key, message });
  });
  const registered = new Map<string, number>();
  const register = (): void => {
    const second = Math.floor(Date.now() / 1000) - 1000 + registered.size;
    for (const unit of UNITS) {
      provider.register(unit, { t: second });
      registered.set(`wialon:${unit}/${second}`, Math.floor(Date.now() / 1000));
    }
  };
  const registering = setInterval(register, 100);
  t.after(() => clearInterval(registering));
  await applyTenants();
  const first = start(t);
  await until('both accounts at one process', async () => (await liveAt(first)) === 2, WAIT);
  const second = start(t);
  const each = async (): Promise<boolean> =>
    (await liveAt(first)) === 1 && (await liveAt(second)) === 1;
  await until('an account at each', each, WAIT);
  provider.expireSessions();
  await until('their new sessions', () => provider.sids.length >= 6, WAIT);
  await until('an account at each again', each, WAIT);
  await first.end('SIGTERM');
  await until('both at the other one', async () => (await liveAt(second)) === 2, WAIT);
  clearInterval(registering);
  const isIn = (tenant: string): boolean => {
    const seen = new Set(logOf(tenant).flatMap(([record]) => pageTimes(record?.message ?? null)));
    return [...registered.keys()].every((time) => seen.has(time));
  };
  await until('every message of both', () => TENANTS.every(isIn), WAIT);
  for (const tenant of TENANTS) assertProgressIsTrue(logOf(tenant), registered);
  await second.end('SIGTERM');
  assertNoSecrets();
  t.diagnostic(`${registered.size} messages, ${provider.sids.length} sessions`);
});

function pageTimes(message: Message | null): string[] {
  return message?.type === 'PageFetched'
    ? timesOf(message.value as Parameters<typeof timesOf>[0])
    : [];
}

/** Neither a token nor a session id is in a record of any topic, a log line or a span. */
function assertNoSecrets(): void {
  const everything = Buffer.concat(said);
  for (const sign of ['wialon avl_evts', '"FAILURE"', 'login.failed']) {
    assert.ok(everything.includes(sign), `no ${sign} was heard`);
  }
  for (const secret of [TOKEN, SECOND_TOKEN, ...provider.sids]) {
    assert.ok(!everything.includes(secret), `${secret.slice(0, 8)}… stands somewhere`);
    const base64 = Buffer.from(secret).toString('base64').slice(0, -4);
    assert.ok(!everything.includes(base64), `${secret.slice(0, 8)}… stands somewhere in base64`);
  }
}
