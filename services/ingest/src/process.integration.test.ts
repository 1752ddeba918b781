import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { topics, type Message } from '@waybill/contracts';
import { nodeArguments } from '@waybill/runtime';
import {
  connectAdmin,
  connectStreams,
  type Publisher,
  type StreamAdmin,
  type Streams,
} from '@waybill/stream';
import { testNamespace, testStack, type TestStack, until } from '@waybill/testkit';
import { configured, eventBody, signatureOf, tenant } from './testing/harness.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const namespace = testNamespace();
const PEAK_RSS_BYTES = 200 * 1024 * 1024;

let stack: TestStack;
let admin: StreamAdmin;
let streams: Streams;
let publisher: Publisher;
let secretsDir: string;

before(async () => {
  stack = await testStack();
  const databaseUrl = await stack.createDatabase(`${namespace}ingest`);
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const options = {
    brokers: stack.kafka.brokers,
    registryUrl: stack.registry.url,
    namespace,
    clientId: 'test',
    logger: silent,
  };
  admin = await connectAdmin(options);
  await admin.provision([topics.tenantConfig, topics.webhookRaw, topics.ingestDeadLetter], {
    task: 8,
    source: 4,
  });
  streams = await connectStreams(options);
  publisher = await streams.publisher([topics.tenantConfig]);
  const value = configured(tenant('bay-cabs', { k1: 'secret://files/bay-cabs#webhook_k1' }));
  const message: Message<'TenantConfigured', typeof value> = { type: 'TenantConfigured', value };
  await publisher.send([{ topic: topics.tenantConfig, key: 'bay-cabs', message }]);
  secretsDir = await mkdtemp(join(tmpdir(), 'ingest-secrets-'));
  const secrets = JSON.stringify({ webhook_k1: 'geheim-1', database_url: databaseUrl });
  await writeFile(join(secretsDir, 'bay-cabs.json'), secrets);
});
after(async () => {
  await publisher.close();
  await streams.close();
  await admin.close();
  await stack.stop();
  await rm(secretsDir, { recursive: true });
});

interface Process {
  readonly child: ChildProcess;
  readonly base: string;
  readonly webhooks: string;
  readonly exit: Promise<number | null>;
}

async function start(env: Record<string, string> = {}): Promise<Process> {
  const child = spawn(process.execPath, [...nodeArguments, main], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      KAFKA_BROKERS: stack.kafka.brokers.join(','),
      SCHEMA_REGISTRY_URL: stack.registry.url,
      KAFKA_NAMESPACE: namespace,
      SECRETS_DIR: secretsDir,
      INGEST_DATABASE_URL: 'secret://files/bay-cabs#database_url',
      WAYBILL_PARENT_PID: String(process.pid),
      ...env,
    },
  });
  const exit = once(child, 'close').then(([code]) => code as number | null);
  const seen: string[] = [];
  const started = new Promise<Record<string, unknown>>((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      seen.push(line);
      const fields = JSON.parse(line) as Record<string, unknown>;
      if (fields['msg'] === 'service.started') resolve(fields);
    });
  });
  const fields = await Promise.race([started, exit]);
  assert.ok(typeof fields === 'object' && fields !== null, `did not start: ${seen.join('\n')}`);
  const base = `http://127.0.0.1:${String(fields['port'])}`;
  const webhooks = `http://127.0.0.1:${String(fields['webhook_port'])}/webhooks/telematics`;
  return { child, base, webhooks, exit };
}

async function post(webhooks: string, id: string, key: string): Promise<Response> {
  const body = eventBody(id);
  return fetch(`${webhooks}/bay-cabs/dispatch`, {
    method: 'POST',
    body,
    headers: {
      'idempotency-key': key,
      'x-signature': signatureOf(body, Math.floor(Date.now() / 1000), 'geheim-1'),
    },
  });
}

async function records(): Promise<number> {
  const ends = await admin.ends([topics.webhookRaw]);
  return Number([...ends.values()].reduce((sum, end) => sum + end, 0n));
}

test(
  'what is acknowledged stands in the log once, also after a kill',
  { timeout: 120_000 },
  async (t) => {
    const first = await start();
    t.after(() => first.child.kill('SIGKILL'));
    const health = await fetch(`${first.base}/health`);
    assert.equal(health.status, 200);
    assert.equal(((await health.json()) as Record<string, unknown>)['sources'], 1);
    assert.equal((await post(first.webhooks, 'evt_1', 'key-1')).status, 200);
    assert.equal(await records(), 1);
    assert.equal((await post(first.webhooks, 'evt_1', 'key-1')).status, 200);
    assert.equal(await records(), 1);
    first.child.kill('SIGKILL');
    await first.exit;

    const second = await start();
    t.after(() => second.child.kill('SIGKILL'));
    const repeated = await post(second.webhooks, 'evt_1', 'key-1');
    assert.equal(repeated.status, 200);
    assert.equal(repeated.headers.get('idempotent-replayed'), 'true');
    assert.equal((await post(second.webhooks, 'evt_2', 'key-2')).status, 200);
    assert.equal(await records(), 2);
    second.child.kill('SIGTERM');
    assert.equal(await second.exit, 0);
  },
);

test(
  'a kill in the middle of a burst loses nothing that was acknowledged',
  { timeout: 120_000 },
  async (t) => {
    const before = await records();
    const running = await start();
    t.after(() => running.child.kill('SIGKILL'));
    let acknowledged = 0;
    const burst = Array.from({ length: 200 }, async (_, index) => {
      const response = await post(running.webhooks, `burst ${index}`, `burst-${index}`);
      if (response.status !== 200) return;
      acknowledged += 1;
      if (acknowledged === 50) running.child.kill('SIGKILL');
    });
    await Promise.allSettled(burst);
    assert.ok(acknowledged >= 50);
    const written = (await records()) - before;
    assert.ok(written >= acknowledged, `${written} written, ${acknowledged} acknowledged`);
  },
);

test('memory stays small under load', { timeout: 120_000 }, async (t) => {
  const running = await start();
  t.after(() => running.child.kill('SIGKILL'));
  for (let round = 0; round < 20; round += 1) {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        post(running.webhooks, `l ${round} ${index}`, `load-${round}-${index}`),
      ),
    );
    assert.ok(answers.every((answer) => answer.status === 200));
  }
  let peak = 0;
  await until('the memory to be measured', async () => {
    const text = await (await fetch(`${running.base}/metrics`)).text();
    peak = Number(/^process_peak_rss_bytes\{.*\} (\d+)$/m.exec(text)?.[1]);
    return peak > 0;
  });
  t.diagnostic(`peak ${Math.round(peak / 2 ** 20)} MiB`);
  assert.ok(peak < PEAK_RSS_BYTES, `peak ${peak}`);
  running.child.kill('SIGTERM');
  assert.equal(await running.exit, 0);
});
