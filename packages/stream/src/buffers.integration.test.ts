import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { until } from '@waybill/testkit';
import { partitionFor } from './partition.ts';
import type { StateOptions, TransactOptions } from './port.ts';
import { bufferWorker, expectedOutputs } from './testing/buffers.ts';
import { startChild, type Child } from './testing/child.ts';
import {
  atEnd,
  openTestCluster,
  PARTITIONS,
  text,
  topics,
  type TestCluster,
  type TestSystem,
} from './testing/cluster.ts';
import { command, followReworks, send } from './testing/reworks.ts';

const KEYS = 8;
/** Kills; each costs the session time-out of the killed member. */
const ROUNDS = 3;

/** A system with a folder for snapshots and what was published so far. */
interface Bench {
  readonly system: TestSystem;
  readonly directory: string;
  readonly publish: (count: number) => Promise<void>;
  /** Runs the worker here until everything is handled, then stops it in order. */
  readonly run: (options?: TransactOptions<number>, state?: StateOptions) => Promise<void>;
  /** How the buffers of the tasks came back, since the last call. */
  readonly sources: () => Readonly<Record<string, number>>;
  readonly assertOutputs: () => Promise<void>;
}

const PROGRAM = new URL('testing/buffer-process.ts', import.meta.url);

describe('buffers', { timeout: 300_000, concurrency: 3 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await openTestCluster();
  });
  after(async () => {
    await cluster.stop();
  });

  async function withBench(work: (bench: Bench) => Promise<void>): Promise<void> {
    const system = await cluster.system();
    const directory = mkdtempSync(join(tmpdir(), 'waybill-buffers-'));
    const texts = new Map<string, string[]>();
    let published = 0;
    let linesSeen = 0;
    try {
      await work({
        system,
        directory,
        publish: async (count) => {
          const streams = await system.connect();
          const publisher = await streams.publisher([topics.input]);
          const records = Array.from({ length: count }, (_, i) => {
            const key = `k${(published + i) % KEYS}`;
            const value = String(published + i).padStart(6, '0');
            texts.set(key, [...(texts.get(key) ?? []), value]);
            return { topic: topics.input, key, message: text(value) };
          });
          published += count;
          await publisher.send(records);
          await streams.close();
        },
        run: async (options = bufferWorker(), state = {}) => {
          const streams = await system.connect({ state: { directory, ...state } });
          const runner = await streams.transact(options);
          await until('everything is handled', () => atEnd(system, runner));
          await streams.close();
        },
        sources: () => {
          const found: Record<string, number> = {};
          for (const { message, fields } of system.logger.lines.slice(linesSeen)) {
            if (message !== 'buffers.rebuilt') continue;
            const source = String(fields['source']);
            found[source] = (found[source] ?? 0) + 1;
          }
          linesSeen = system.logger.lines.length;
          return found;
        },
        assertOutputs: async () => {
          const found = new Map<string, string[]>();
          for (const line of await system.read(topics.output)) {
            const [key = '', value = ''] = line.split('=');
            found.set(key, [...(found.get(key) ?? []), value]);
          }
          for (const [key, values] of texts) {
            assert.deepEqual(found.get(key), expectedOutputs(values), `outputs of ${key}`);
          }
        },
      });
    } finally {
      await system.close();
      rmSync(directory, { recursive: true });
    }
  }

  function files(directory: string): string[] {
    return readdirSync(directory).filter((name) => name.endsWith('.buffers'));
  }

  it('come back from the snapshot, from the input without one, and catch up by reading on', () =>
    withBench(async ({ directory, publish, run, sources, assertOutputs }) => {
      await publish(300);
      await run();
      assert.deepEqual(sources(), { input: PARTITIONS.task });
      assert.equal(files(directory).length, PARTITIONS.task);

      await publish(100);
      await run();
      assert.deepEqual(sources(), { snapshot: PARTITIONS.task });

      // A snapshot of before the last run: what came since is read again.
      const old = files(directory).map(
        (name) => [name, readFileSync(join(directory, name))] as const,
      );
      await publish(100);
      await run();
      for (const [name, bytes] of old) writeFileSync(join(directory, name), bytes);
      await publish(100);
      sources();
      await run();
      assert.deepEqual(sources(), { snapshot: PARTITIONS.task });

      rmSync(directory, { recursive: true });
      await publish(100);
      await run();
      assert.deepEqual(sources(), { input: PARTITIONS.task });
      await assertOutputs();
    }));

  it('discard a snapshot that is damaged, or of another layout, with the reason', () =>
    withBench(async ({ system, directory, publish, run, sources, assertOutputs }) => {
      await publish(200);
      await run();
      const [damaged = '', ...others] = files(directory);
      const bytes = readFileSync(join(directory, damaged));
      bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1;
      writeFileSync(join(directory, damaged), bytes);
      sources();
      await publish(50);
      await run();
      assert.deepEqual(sources(), { input: 1, snapshot: others.length });

      await publish(50);
      await run(bufferWorker({ layout: 2 }));
      assert.deepEqual(sources(), { input: PARTITIONS.task });
      const reasons = system.logger.lines
        .filter(({ message }) => message === 'buffers.snapshot_discarded')
        .map(({ fields }) => String(fields['reason']));
      assert.match(reasons[0] ?? '', /damaged: its checksum does not fit/);
      assert.match(reasons[1] ?? '', /layout is 1 instead of 2/);

      await assertOutputs();
    }));

  it('follow an aborted transaction and an unknown outcome: the task is built anew from memory', () =>
    withBench(async ({ system, directory, publish, sources, assertOutputs }) => {
      await publish(400);
      const streams = await system.connect({ state: { directory } });
      let handled = 0;
      let blocked: Promise<unknown> | undefined;
      const runner = await streams.transact(
        bufferWorker({
          handled: () => {
            handled += 1;
            // Another producer takes the transactional id over between handle and commit: the transaction
            // is aborted, and the task must take it back.
            if (handled % 5 === 2) blocked = steal(system);
          },
        }),
      );
      for (let round = 0; round < 3; round += 1) {
        await until('everything is handled', () => atEnd(system, runner));
        await blocked;
        await publish(400);
      }
      await until('everything is handled', () => atEnd(system, runner));
      await streams.close();
      assert.ok((sources()['memory'] ?? 0) > 0, 'a task was built anew from memory');
      await assertOutputs();
    }));

  /** Fences the producers of all tasks, as another owner would. */
  async function steal({ options }: TestSystem): Promise<void> {
    const { openKafka, openProducer } = await import('./client.ts');
    await Promise.all(
      Array.from({ length: PARTITIONS.task }, async (_, partition) => {
        const id = `${options.namespace}buffered-${partition}`;
        const producer = openProducer(openKafka(options), id);
        await producer.connect();
        const transaction = await producer.transaction();
        await transaction.abort();
        await producer.disconnect();
      }),
    );
  }

  it('are right after SIGKILL at any point, and after a handover to another machine', () =>
    withBench(async ({ system, directory, publish, run, assertOutputs }) => {
      await publish(2_000);
      const other = mkdtempSync(join(tmpdir(), 'waybill-buffers-'));
      const children: Child[] = [];
      try {
        for (let round = 0; round < ROUNDS; round += 1) {
          // Two machines take turns; each finds its own snapshots of some time ago.
          const child = startChild(PROGRAM, system, {
            STATE_DIR: round % 2 === 0 ? directory : other,
          });
          children.push(child);
          await publish(400);
          // Each machine writes a snapshot in its first turn; later it is killed wherever it is.
          const isSaved = (): boolean =>
            round >= 2 || child.lines.some((line) => line.startsWith('buffers.snapshot_written'));
          await until(
            'it works',
            () => (child.handlings() > round % 2 && isSaved()) || child.child.exitCode !== null,
          );
          assert.equal(child.child.exitCode, null, child.lines.join('\n'));
          await child.end('SIGKILL');
        }
        await run();
        const rebuilt = children.flatMap(({ lines }) =>
          lines.filter((line) => line.startsWith('buffers.rebuilt')),
        );
        assert.ok(rebuilt.some((line) => line.includes('"source":"snapshot"')));
        await assertOutputs();
      } finally {
        await Promise.all(children.map((child) => child.end('SIGKILL')));
        rmSync(other, { recursive: true });
      }
    }));

  it('are read again from the input after a rework that no snapshot knows', () =>
    withBench(async ({ system, directory, publish, run, sources }) => {
      const rework = { commands: topics.reworkCommand, state: topics.reworkState };
      await publish(160);
      await run(bufferWorker({ rework }));
      const before = files(directory).map(
        (name) => [name, readFileSync(join(directory, name))] as const,
      );
      const streams = await system.connect({ state: { directory } });
      const runner = await streams.transact(bufferWorker({ rework }));
      await until('it is ready', () => runner.ready());
      const reworks = await followReworks(streams, until);
      const partition = partitionFor('k0', PARTITIONS.task);
      await send(streams, command(1, { partition, from_offset: 0, to_offset: 3 }));
      assert.equal((await reworks.ended(command(1, {}).rework_id)).done, 3);
      await streams.close();
      for (const [name, bytes] of before) writeFileSync(join(directory, name), bytes);
      sources();
      await run(bufferWorker({ rework }));
      assert.deepEqual(sources(), { input: 1, snapshot: PARTITIONS.task - 1 });
    }));

  it('count against the limit: the task stops with one line and nothing is committed', () =>
    withBench(async ({ system, directory, publish }) => {
      await publish(80);
      const streams = await system.connect({ state: { directory, taskLimitBytes: 100 } });
      await streams.transact(bufferWorker());
      const stopped = (): boolean =>
        system.logger.lines.some(
          ({ message, fields }) =>
            message === 'task.stopped' &&
            fields['code'] === 'STATE_LIMIT' &&
            /raise STATE_TASK_LIMIT_BYTES/.test(String(fields['detail'])),
        );
      await until('a task stops', stopped);
      await streams.close();
    }));
});
