// Two processes on a real log, one of them killed in each round, against a twin at 20 times speed.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  allTopics,
  topics,
  type PageFetched,
  type SessionChanged,
  type Topic,
} from '@waybill/contracts';
import { connectAdmin, connectStreams, type Streams } from '@waybill/stream';
import {
  configured,
  startService,
  testNamespace,
  testStack,
  until,
  type ServiceProcess,
  type TestStack,
} from '@waybill/testkit';
import { madeUpFleets, startTwin, tokenOf, type Twin } from '@waybill/wialon-twin';
import { judge } from './testing/judge.ts';
import { tenantOf } from './testing/simulation.ts';

const ROUNDS = 10;
const SPEED = 20;
/** `SEED=<number>` takes another one. */
const SEED = Number(process.env['SEED'] ?? 20_250_106);
const ACCOUNT = 'fleet';
const START = '2025-01-06T00:00:00.000Z';
const NAMESPACE = testNamespace();
const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
/** A killed member leaves the group only when its session is over. */
const WAIT = { deadlineMs: 180_000, everyMs: 200 };

let stack: TestStack;
let dir: string;
let streams: Streams;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'waybill-extractor-'));
  stack = await testStack();
  const options = {
    brokers: stack.kafka.brokers,
    registryUrl: stack.registry.url,
    namespace: NAMESPACE,
    clientId: 'test',
    logger,
  };
  const admin = await connectAdmin(options);
  await admin.provision(allTopics, { task: 2, source: 2 });
  await admin.close();
  streams = await connectStreams(options);
  await mkdir(join(dir, 'secrets'));
  await writeFile(
    join(dir, 'secrets', `${ACCOUNT}.json`),
    JSON.stringify({ token_1: tokenOf(ACCOUNT, 1), token_2: tokenOf(ACCOUNT, 2) }),
  );
});
after(async () => {
  await streams.close();
  await stack.stop();
  await rm(dir, { recursive: true, force: true });
});

function start(): ServiceProcess {
  return startService(new URL('main.ts', import.meta.url), {
    KAFKA_BROKERS: stack.kafka.brokers.join(','),
    SCHEMA_REGISTRY_URL: stack.registry.url,
    KAFKA_NAMESPACE: NAMESPACE,
    SECRETS_DIR: join(dir, 'secrets'),
    LOG_LEVEL: 'warn',
  });
}

/** What a read-committed reader has seen so far. */
interface Seen {
  readonly pages: PageFetched[];
  readonly sessions: SessionChanged[];
  completeTo: number;
}

/** Reads pages and the audit as every other service would. */
async function read(): Promise<Seen> {
  const seen: Seen = { pages: [], sessions: [], completeTo: 0 };
  const followed = [topics.wialonPage, topics.wialonSession] as unknown as readonly Topic[];
  await streams.follow(followed, (_topic, _key, message) => {
    if (message?.type === 'PageFetched') seen.pages.push(message.value as PageFetched);
    if (message?.type === 'SessionChanged') seen.sessions.push(message.value as SessionChanged);
    if (message?.type !== 'SourceProgressed') return;
    const { complete_to_time: reached } = message.value as { complete_to_time: number };
    seen.completeTo = Math.max(seen.completeTo, reached);
  });
  return seen;
}

async function applyTenant(twin: Twin): Promise<void> {
  const model = await tenantOf(twin.url, { pollIntervalMs: 1000, lookbackHours: 24 });
  const value = configured(model, { applied_time: Date.now() });
  const publisher = await streams.publisher([topics.tenantConfig]);
  await publisher.send([
    { topic: topics.tenantConfig, key: ACCOUNT, message: { type: 'TenantConfigured', value } },
  ]);
  await publisher.close();
}

test(
  'ten rounds with two processes and a SIGKILL in each lose no message and double no fix',
  { timeout: 1_500_000 },
  async (t) => {
    const twin = await startTwin({
      scenario: madeUpFleets({
        accounts: [ACCOUNT],
        fleet: { units: 100, every_s: 30, late_share: 0.02, late_max_s: 7200, repeat_share: 0.01 },
        baseTime: START,
        durationS: 864_000,
      }),
      seed: SEED,
      speed: SPEED,
    });
    t.after(() => twin.close());
    const seen = await read();
    const processes = [start(), start()];
    t.after(() => Promise.all(processes.map((each) => each.end('SIGKILL'))));
    await applyTenant(twin);
    const nowMs = (): number => Date.parse(START) + twin.clock.wholeSecond() * 1000;
    for (let round = 0; round < ROUNDS; round++) {
      const before = nowMs();
      await until(`progress of round ${round}`, () => seen.completeTo > before, WAIT);
      // Whichever owns the account: the other one must take it over.
      const victim = round % processes.length;
      await processes[victim]?.end('SIGKILL');
      processes[victim] = start();
    }
    const hold = twin.clock.wholeSecond() + 60;
    twin.clock.hold(hold);
    const last = Date.parse(START) + hold * 1000;
    await until('everything to be in', () => seen.completeTo >= last, WAIT);
    for (const each of processes) await each.end('SIGTERM');
    const judged = judge({
      twin,
      account: ACCOUNT,
      ordered: new Set(),
      pages: seen.pages,
      sessions: seen.sessions,
      lines: [],
      lookbackHours: 24,
      kills: ROUNDS,
      // The processes go by wall time, so the moments of the data say nothing about speed.
      startS: Number.POSITIVE_INFINITY,
      stop: () => twin.close(),
    });
    t.diagnostic(JSON.stringify({ seed: SEED, rounds: ROUNDS, ...judged }));
    assert.ok(judged.messages > 1000);
  },
);
