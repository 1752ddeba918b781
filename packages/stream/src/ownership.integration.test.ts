/** Who may write for a task, from where it goes on, and what a member that gives it up still commits. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isFault } from '@waybill/fault';
import { until } from '@waybill/testkit';
import { openKafka, openProducer, sendRound } from './client.ts';
import { createCodecs } from './codec.ts';
import { silent, type Environment } from './environment.ts';
import { partitionFor } from './partition.ts';
import type { Owner, Runner, Streams, TaskContext, TransactOptions } from './port.ts';
import { BatchWriter } from './record-batch/batch-writer.ts';
import { openRegistry } from './registry.ts';
import {
  atEnd,
  openTestCluster,
  PARTITIONS,
  text,
  textOf,
  topics,
  type TestCluster,
  type TestSystem,
} from './testing/cluster.ts';
import { openNetwork } from './testing/scenarios.ts';
import { createTransactor } from './transaction.ts';

const KEY = 'k';
const PARTITION = partitionFor(KEY, PARTITIONS.task);
/** Another key of the same task. */
const NEIGHBOUR =
  ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].find(
    (key) => partitionFor(key, PARTITIONS.task) === PARTITION,
  ) ?? KEY;
const INIT_PRODUCER_ID = 22;
const END_TXN = 26;
const SYNC_GROUP = 14;

/** Counts records per key; `onTask` and `onHandle` let a test look in. */
function counter(
  hooks: {
    readonly onTask?: (context: TaskContext<number>) => void;
    readonly onHandle?: (count: number) => void;
  } = {},
): TransactOptions<number> {
  return {
    service: 'counter',
    inputs: [topics.input],
    outputs: [topics.output],
    deadLetter: topics.deadLetter,
    store: {
      changelog: topics.state,
      toMessage: (value) => text(String(value)),
      fromMessage: (message) => Number(textOf(message)),
    },
    createTask: (context) => {
      hooks.onTask?.(context);
      return {
        handle: (records, out) => {
          for (const { key } of records) {
            const count = (context.store.get(key) ?? 0) + 1;
            context.store.put(key, count);
            out.emit({ topic: topics.output, key, message: text(String(count)) });
          }
          hooks.onHandle?.(records.length);
        },
      };
    },
  };
}

async function publish(streams: Streams, keys: readonly string[]): Promise<void> {
  const publisher = await streams.publisher([topics.input]);
  await publisher.send(keys.map((key) => ({ topic: topics.input, key, message: text('x') })));
  await publisher.close();
}

/** A fresh broker makes the topics of both its coordinators when they are first asked: seconds on a busy machine. */
async function untilCoordinated(cluster: TestCluster): Promise<void> {
  const system = await cluster.system();
  const offsets = { group: 'first', topic: topics.input, partition: 0, next: 1n };
  await until('there are coordinators', async () => {
    const transactor = transactorOf(system, 'first');
    const committed = await transactor
      .fence()
      .then(() => transactor.commit([], offsets))
      .then(
        () => true,
        () => false,
      );
    await transactor.close();
    return committed;
  });
  await system.close();
}

async function untilRead(system: TestSystem, runner: Runner): Promise<void> {
  await until('everything is read', () => atEnd(system, runner));
}

/** An owner of the task of KEY that has handled its first record and not committed yet. */
async function olderOwner({ options }: TestSystem) {
  const namespace = options.namespace ?? '';
  const codecs = createCodecs(openRegistry(options.registryUrl), namespace);
  await codecs.bind([topics.output]);
  const producer = openProducer(openKafka(options), `${namespace}counter-${PARTITION}`);
  await producer.connect();
  const transaction = await producer.transaction();
  const batch = new BatchWriter(PARTITION);
  batch.append(KEY, codecs.encode(topics.output, text('1')));
  await sendRound(transaction, [{ topic: `${namespace}${topics.output.name}`, batches: [batch] }]);
  await transaction.sendOffsets({
    consumerGroupId: `${namespace}counter`,
    topics: [
      {
        topic: `${namespace}${topics.input.name}`,
        partitions: [{ partition: PARTITION, offset: '1' }],
      },
    ],
  });
  return {
    commit: () =>
      transaction.commit().then(
        () => true,
        () => false,
      ),
    close: () => producer.disconnect(),
  };
}

/** The kind of a client's request, by its number in the protocol. */
function apiOf(sent: Buffer): number {
  return sent.length > 6 ? sent.readInt16BE(4) : -1;
}

function transactorOf({ options }: TestSystem, id: string): ReturnType<typeof createTransactor> {
  const namespace = options.namespace ?? '';
  // A transactor needs no more of its environment.
  const environment = { ...silent, namespace, openKafka: () => openKafka(options) };
  return createTransactor(environment as unknown as Environment, `${namespace}${id}`);
}

describe('ownership', { timeout: 300_000, concurrency: true }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await openTestCluster();
    await untilCoordinated(cluster);
  });
  after(() => cluster.stop());

  it('is not overtaken by an older owner that commits while the task is built', async () => {
    const system = await cluster.system();
    await publish(await system.connect(), [KEY]);
    const older = await olderOwner(system);
    const network = await openNetwork(system.options.brokers);
    const streams = await system.connect({}, { route: network.route });
    let committed: Promise<boolean> | undefined;
    const runner = await streams.transact(
      counter({
        onTask: ({ partition }) => {
          if (partition !== PARTITION || committed) return;
          committed = network.hold(older.commit());
        },
      }),
    );
    await untilRead(system, runner);
    assert.equal(await committed, false, 'the older owner was locked out');
    await runner.stop();
    assert.deepEqual(await system.read(topics.output), [`${KEY}=1`]);
    await older.close();
    await system.close();
    await network.close();
  });

  it('goes on from what the older owner committed just before it was locked out', async () => {
    const system = await cluster.system();
    await publish(await system.connect(), [KEY]);
    const older = await olderOwner(system);
    const network = await openNetwork(system.options.brokers);
    const streams = await system.connect({}, { route: network.route });
    let committed: Promise<boolean> | undefined;
    for (const proxy of network.proxies) {
      proxy.watch((sent) => {
        if (committed || apiOf(sent) !== INIT_PRODUCER_ID || !sent.includes(`counter-${PARTITION}`))
          return;
        committed = network.hold(older.commit());
      });
    }
    const runner = await streams.transact(counter());
    await untilRead(system, runner);
    assert.equal(await committed, true);
    await runner.stop();
    assert.deepEqual(await system.read(topics.output), [`${KEY}=1`]);
    await older.close();
    await system.close();
    await network.close();
  });

  it('refuses all work after a failed transaction', async () => {
    const system = await cluster.system();
    const first = transactorOf(system, 'service-0');
    const second = transactorOf(system, 'service-0');
    await first.fence();
    await second.fence();
    const offsets = { group: 'g', topic: topics.input, partition: 0, next: 1n };
    await assert.rejects(
      first.commit([], offsets),
      (e) => isFault(e) && e.code === 'FENCED' && e.kind === 'cancelled',
    );
    await assert.rejects(first.commit([], offsets), /service-0 failed before/);
    await second.commit([], offsets);
    await Promise.all([first.close(), second.close()]);
    await system.close();
  });

  it('refuses a changelog that is shorter than what the task wrote into it', async () => {
    const system = await cluster.system();
    const streams = await system.connect();
    await publish(streams, [KEY]);
    const runner = await streams.transact(counter());
    await untilRead(system, runner);
    await runner.stop();
    // As if the changelog had been deleted and provisioned again meanwhile, with one record in it.
    const former = transactorOf(system, `counter-${PARTITION}`);
    await former.fence();
    await former.commit([], {
      ...{ group: `${system.options.namespace}counter`, topic: topics.input, partition: PARTITION },
      next: 1n,
      metadata: () => JSON.stringify({ changelogs: { [topics.state.name]: '40' } }),
    });
    await former.close();
    await publish(streams, [KEY]);
    const again = await streams.transact(counter());
    const stopped = () => system.logger.lines.find(({ message }) => message === 'task.stopped');
    await until('the task is refused', () => stopped() !== undefined);
    assert.equal(stopped()?.fields['code'], 'STATE_LOST');
    assert.match(String(stopped()?.fields['detail']), /wrote up to 40.*reset the state/);
    await again.stop();
    assert.deepEqual(await system.read(topics.output), [`${KEY}=1`]);
    await system.close();
  });

  it('commits offsets alone, one transaction right after the other', async () => {
    const system = await cluster.system();
    const transactor = transactorOf(system, 'service-1');
    await transactor.fence();
    for (let next = 1n; next <= 200n; next += 1n) {
      await transactor.commit([], { group: 'g', topic: topics.input, partition: 0, next });
    }
    await transactor.close();
    await system.close();
  });

  it('says what became of a page whose commit was cut off', async () => {
    const system = await cluster.system();
    const network = await openNetwork(system.options.brokers);
    const streams = await system.connect({}, { route: network.route });
    const owners: Owner<ReturnType<typeof text>>[] = [];
    const runner = await streams.extract<ReturnType<typeof text>>({
      service: 'puller',
      cursors: topics.cursor,
      outputs: [topics.output],
      own: async (owner) => {
        owners.push(owner);
        if (owner.revoked.aborted) return;
        await new Promise((resolve) => owner.revoked.addEventListener('abort', resolve));
      },
    });
    await until('it owns', () => runner.ready());
    let mode: 'request' | 'answer' | undefined;
    let ending = false;
    for (const proxy of network.proxies) {
      proxy.watch((sent, by) => {
        if (by === 'client' && apiOf(sent) === END_TXN) ending = true;
        if (!ending || mode === undefined || (mode === 'answer' && by === 'client')) return;
        mode = undefined;
        proxy.cut();
        // Length of the outage, not a wait: what follows waits for its conditions.
        setTimeout(proxy.heal, 100);
      });
    }
    const unknown: string[] = [];
    const push = async (page: number): Promise<void> => {
      const owner = owners.findLast((o) => o.owns(KEY) && !o.revoked.aborted);
      if (owner === undefined) throw new Error('nobody owns the key');
      if (Number(textOf(owner.cursors.get(KEY)) || '0') >= page) return;
      await owner.commit([
        { topic: topics.output, key: KEY, message: text(String(page)) },
        { topic: topics.cursor, key: KEY, message: text(String(page)) },
      ]);
    };
    for (let page = 1; page <= 6; page += 1) {
      ending = false;
      mode = page % 2 === 0 ? 'request' : 'answer';
      await until('the page is committed', () =>
        push(page).then(
          () => true,
          (error: unknown) => {
            if (isFault(error)) unknown.push(error.code);
            return false;
          },
        ),
      );
    }
    await runner.stop();
    assert.deepEqual(
      await system.read(topics.output),
      Array.from({ length: 6 }, (_, i) => `${KEY}=${i + 1}`),
    );
    assert.ok(unknown.includes('COMMIT_UNKNOWN'), unknown.join());
    await system.close();
    await network.close();
  });

  it('gives nothing to a member that stops while it joins', async () => {
    const system = await cluster.system();
    const network = await openNetwork(system.options.brokers);
    const late: unknown[] = [];
    const { promise: joining, resolve: joins } = Promise.withResolvers<void>();
    const { promise: stopping, resolve: stops } = Promise.withResolvers<void>();
    for (const proxy of network.proxies) {
      proxy.watch((sent, by) => {
        if (by !== 'client' || apiOf(sent) !== SYNC_GROUP) return;
        joins();
        void network.hold(stopping);
      });
    }
    const puller = (streams: Streams, owned: unknown[]): Promise<Runner> =>
      streams.extract<ReturnType<typeof text>>({
        service: 'puller',
        cursors: topics.cursor,
        outputs: [topics.output],
        own: async (owner) => {
          owned.push(owner);
          if (owner.revoked.aborted) return;
          await new Promise((resolve) => owner.revoked.addEventListener('abort', resolve));
        },
      });
    const first = await puller(await system.connect({}, { route: network.route }), late);
    await joining;
    const stopped = first.stop();
    stops();
    await stopped;
    const owned: unknown[] = [];
    const second = await puller(await system.connect(), owned);
    await until('the second owns both', () => second.ready() && owned.length >= 2);
    await second.stop();
    assert.deepEqual([late.length, owned.length], [0, 2]);
    await system.close();
    await network.close();
  });

  it('commits what it handled before it gives a partition up or stops', async () => {
    const system = await cluster.system();
    const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
    let handled = 0;
    const count = (records: number): void => {
      handled += records;
    };
    const streams = await system.connect();
    const first = await streams.transact(counter({ onHandle: count }));
    const publisher = await streams.publisher([topics.input]);
    const enough = new AbortController();
    const load = (async () => {
      while (!enough.signal.aborted) {
        await publisher.send(keys.map((key) => ({ topic: topics.input, key, message: text('x') })));
      }
    })();
    await until('the first works', () => handled > 1_000);
    const second = await (await system.connect()).transact(counter({ onHandle: count }));
    await until('they share', () => second.ready() && first.positions().length === 2);
    const before = handled;
    await until('both work', () => handled > before + 1_000);
    await Promise.all([first.stop(), second.stop()]);
    enough.abort();
    await load;
    // Handled twice would be an aborted transaction whose records came again.
    assert.equal((await system.read(topics.output)).length, handled);
    await publisher.close();
    await system.close();
  });

  it('writes each change of the state to the changelog once', async () => {
    const system = await cluster.system();
    const streams = await system.connect();
    const runner = await streams.transact(counter());
    await publish(streams, [KEY]);
    await untilRead(system, runner);
    await publish(streams, [NEIGHBOUR]);
    await untilRead(system, runner);
    await publish(streams, [KEY]);
    await untilRead(system, runner);
    await runner.stop();
    const changes = await system.read(topics.state);
    assert.deepEqual(changes.toSorted(), [`${KEY}=1`, `${KEY}=2`, `${NEIGHBOUR}=1`].toSorted());
    await system.close();
  });

  it('opens a session anew that hears nothing of the cluster any more', async () => {
    const system = await cluster.system();
    const network = await openNetwork(system.options.brokers);
    const streams = await system.connect({}, { route: network.route, stuckAfterMs: 3_000 });
    const runner = await streams.transact(counter());
    await until('it is ready', () => runner.ready());
    for (const proxy of network.proxies) proxy.stall();
    await until('the watchdog speaks', () =>
      system.logger.lines.some(({ fields }) => fields['code'] === 'STREAM_STUCK'),
    );
    for (const proxy of network.proxies) proxy.heal();
    await publish(await system.connect(), [KEY]);
    await untilRead(system, runner);
    await runner.stop();
    assert.deepEqual(await system.read(topics.output), [`${KEY}=1`]);
    await system.close();
    await network.close();
  });
});
