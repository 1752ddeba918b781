import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '@waybill/testkit';
import type { Streams } from './port.ts';
import {
  openTestCluster,
  text,
  topics,
  type TestCluster,
  type TestSystem,
} from './testing/cluster.ts';

const PROCESS = fileURLToPath(new URL('testing/counter-process.ts', import.meta.url));
const KEYS = 20;
const PER_TOPIC = 20_000;

interface Counter {
  readonly child: ChildProcess;
  /** How often it was about to commit. */
  readonly handlings: () => number;
  readonly errors: readonly string[];
}

function startCounter({ options }: TestSystem): Counter {
  const errors: string[] = [];
  let handlings = 0;
  const child = spawn(process.execPath, [PROCESS], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      BROKERS: options.brokers.join(','),
      REGISTRY: options.registryUrl,
      NAMESPACE: options.namespace,
    },
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'handling') handlings += 1;
    else errors.push(line);
  });
  return { child, handlings: () => handlings, errors };
}

async function end({ child }: Counter, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

/** Two topics in one task: equal keys, so every count must come once and in order. */
async function fill(streams: Streams): Promise<void> {
  const publisher = await streams.publisher([topics.input, topics.other]);
  for (let at = 0; at < PER_TOPIC; at += 1_000) {
    const keys = Array.from({ length: 1_000 }, (_, i) => `k${(at + i) % KEYS}`);
    await publisher.send(
      [topics.input, topics.other].flatMap((topic) =>
        keys.map((key) => ({ topic, key, message: text('x') })),
      ),
    );
  }
  await publisher.close();
}

/** Committed outputs must be 1, 2, 3 … per key, without a hole and without a repeat. */
async function assertExactlyOnce(system: TestSystem): Promise<void> {
  const counts = new Map<string, number>();
  for (const line of await system.read(topics.output)) {
    const [key = '', count] = line.split('=');
    const expected = (counts.get(key) ?? 0) + 1;
    assert.equal(Number(count), expected, `count of ${key}`);
    counts.set(key, expected);
  }
  assert.equal(counts.size, KEYS);
  for (const [key, count] of counts) assert.equal(count, (2 * PER_TOPIC) / KEYS, key);
}

async function consumed(system: TestSystem): Promise<boolean> {
  return (await system.read(topics.output)).length >= 2 * PER_TOPIC;
}

describe('exactly once', { timeout: 300_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await openTestCluster();
  });
  after(async () => {
    await cluster.stop();
  });

  it('survives SIGKILL in the middle of transactions, several times', async () => {
    const system = await cluster.system();
    await fill(await system.connect());
    for (const handlings of [1, 3, 6]) {
      const counter = startCounter(system);
      await until('it is about to commit', () => counter.handlings() >= handlings);
      await end(counter, 'SIGKILL');
    }
    const last = startCounter(system);
    try {
      await until('everything is counted', () => consumed(system));
    } finally {
      await end(last, 'SIGTERM');
    }
    await assertExactlyOnce(system);
    await system.close();
  });

  it('fences an instance that was frozen while another took over', async () => {
    const system = await cluster.system();
    await fill(await system.connect());
    const frozen = startCounter(system);
    await until('it is about to commit', () => frozen.handlings() >= 2);
    frozen.child.kill('SIGSTOP');
    const heir = startCounter(system);
    try {
      await until('the heir took over', () => heir.handlings() >= 1);
      frozen.child.kill('SIGCONT');
      await until('everything is counted', () => consumed(system));
      assert.equal(frozen.child.exitCode, null, frozen.errors.join('\n'));
    } finally {
      frozen.child.kill('SIGCONT');
      await Promise.all([end(frozen, 'SIGTERM'), end(heir, 'SIGTERM')]);
    }
    await assertExactlyOnce(system);
    await system.close();
  });
});
