import type { Topic } from '@waybill/contracts';
import { toFault, type Fault } from '@waybill/fault';
import type { Assignment } from './assigner.ts';
import { createChunkSize } from './chunks.ts';
import { fetchLimits } from './client.ts';
import { unreadableLetter } from './dead-letter.ts';
import { delay } from './delay.ts';
import type { Environment } from './environment.ts';
import { patiently, type Patience } from './patience.ts';
import type { Position, ProjectOptions, Runner } from './port.ts';
import { openPublisher, type HeaderPublisher } from './publisher.ts';
import { linksOf, readChunk, type Chunk, type Unreadable } from './record.ts';
import { startRunner, type Work } from './runner.ts';
import { openSession, type GroupBatch, type Session } from './session.ts';
import { openTables, type Tables } from './tables.ts';
import { firstToRead } from './task-start.ts';

const COMMIT_EVERY_MS = 1_000;
const WAIT_STEP_MS = 1_000;
const MAX_CHUNK_BYTES = 4 << 20;
const MAX_CHUNK_RECORDS = 20_000;

interface Shared<Tx> {
  readonly environment: Environment;
  readonly options: ProjectOptions<Tx>;
  readonly group: string;
  readonly tables: Tables;
  readonly deadLetters: HeaderPublisher | undefined;
}

function openWork<Tx>(shared: Shared<Tx>, fail: (fault: Fault) => void): Work {
  const { environment, options, group, tables } = shared;
  const { codecs, logger, metrics, offsets, tracing } = environment;
  const stopping = new AbortController();
  /** What the database says, by `<topic>/<partition>`; a partition is absent until it was read. */
  const next = new Map<string, bigint>();
  const uncommitted = new Map<string, Position>();
  const chunkSize = createChunkSize(MAX_CHUNK_RECORDS);
  let assigned: readonly { readonly topic: Topic; readonly partition: number }[] = [];
  let generation = 0;
  let session: Session | undefined;

  function current(): Session {
    if (session === undefined) throw new Error('the session calls back after it was opened');
    return session;
  }

  async function readStart(mine: number): Promise<void> {
    const stored = await options.store.offsets(group);
    const bounds = await offsets.bounds(options.inputs);
    if (mine !== generation || stopping.signal.aborted) return;
    for (const { topic, partition } of assigned) {
      const place = `${topic.name}/${partition}`;
      const low = bounds.get(place)?.low ?? 0n;
      next.set(place, stored.get(place) ?? 0n);
      const first = firstToRead(environment, topic, partition, low, stored.get(place));
      current().seek(topic, partition, first);
      current().resume(topic, partition);
    }
  }

  /** Partitions stay paused until the database has said where they start. */
  function start(): void {
    generation += 1;
    const mine = generation;
    next.clear();
    for (const { topic, partition } of assigned) current().pause(topic, partition);
    const patience = {
      logger,
      name: group,
      stage: 'start' as const,
      waitsForConfiguration: true,
      alive: () => mine === generation && !stopping.signal.aborted,
      rest: (ms: number) => delay(ms, stopping.signal),
    };
    patiently(patience, () => readStart(mine)).catch((error: unknown) => {
      fail(toFault(error, 'start'));
    });
  }

  function onAssigned(assignment: Assignment): void {
    assigned = options.inputs.flatMap((topic) =>
      (assignment.get(topic.name) ?? []).map((partition) => ({ topic, partition })),
    );
    start();
  }

  async function sendDeadLetters(unreadable: readonly Unreadable[]): Promise<void> {
    if (unreadable.length === 0) return;
    const { deadLetter, service } = options;
    if (shared.deadLetters && deadLetter) {
      await shared.deadLetters.sendWithHeaders(
        unreadable.map((found) => unreadableLetter({ service, topic: deadLetter }, found)),
      );
    } else {
      for (const { topic, partition, offset, problem } of unreadable) {
        logger.warn(
          { topic: topic.name, partition, offset: String(offset), problem },
          'record.undecodable',
        );
      }
    }
    metrics.discarded('UNDECODABLE', false, unreadable.length);
  }

  /** Waiting keeps the membership: `heartbeat` throws when the group changes. */
  function patienceOf(batch: GroupBatch): Patience {
    const alive = (): boolean => batch.isCurrent() && !stopping.signal.aborted;
    return {
      logger,
      name: group,
      stage: 'deliver',
      waitsForConfiguration: true,
      alive,
      rest: async (ms) => {
        const until = performance.now() + ms;
        while (performance.now() < until && alive()) {
          await delay(Math.min(WAIT_STEP_MS, until - performance.now()), stopping.signal);
          await batch.heartbeat();
        }
      },
    };
  }

  async function advance(
    batch: GroupBatch,
    chunk: Chunk,
    from: bigint,
  ): Promise<boolean | undefined> {
    const { topic, partition } = batch;
    const step = { group, topic: topic.name, partition, from, next: chunk.next };
    return patiently(patienceOf(batch), async () => {
      await sendDeadLetters(chunk.unreadable);
      return options.store.advance(step, async (tx) => {
        if (chunk.received.length > 0) await options.handle(chunk.received, tx, tables.reader);
      });
    });
  }

  function finish(batch: GroupBatch, at: bigint): void {
    batch.take(at);
    batch.done(at);
  }

  /** False when the batch must be left, or nothing is left of it. */
  async function runChunk(batch: GroupBatch): Promise<boolean> {
    const { topic, partition } = batch;
    const place = `${topic.name}/${partition}`;
    const from = next.get(place);
    if (from === undefined) return false;
    const startedAt = performance.now();
    const chunk = await patiently(patienceOf(batch), () =>
      readChunk(codecs, batch, { records: chunkSize.records(), bytes: MAX_CHUNK_BYTES }),
    );
    if (chunk === undefined) return false;
    if (chunk.count === 0) {
      finish(batch, chunk.next);
      return false;
    }
    const { count, firstOffset, lastOffset } = chunk;
    const links = linksOf(chunk.received);
    const span = { topic: topic.name, partition, count, firstOffset, lastOffset, links };
    const moved = await tracing.batch(span, () => advance(batch, chunk, from));
    if (moved === undefined) return false;
    if (!moved) {
      logger.warn({ group, topic: topic.name, partition }, 'projection.owner_changed');
      // Another instance moved the offset: read all of them again before anything is handled.
      start();
      return false;
    }
    next.set(place, chunk.next);
    finish(batch, chunk.next);
    const ms = performance.now() - startedAt;
    chunkSize.took(count, ms);
    metrics.received(topic.name, count);
    metrics.batch(topic.name, ms / 1_000);
    uncommitted.set(place, { topic: topic.name, partition, next: chunk.next, lag: 0n });
    return true;
  }

  async function onBatch(batch: GroupBatch): Promise<void> {
    const from = next.get(`${batch.topic.name}/${batch.partition}`);
    if (from === undefined || !batch.isCurrent()) return;
    if (!batch.follows(from)) return;
    while (batch.isCurrent() && (await runChunk(batch))) await batch.heartbeat();
  }

  /** For tools that show group lag; the database's offsets are the ones that count. */
  async function commitAdvisory(): Promise<void> {
    const offsetsNow = [...uncommitted.values()];
    uncommitted.clear();
    if (offsetsNow.length > 0)
      await current()
        .commit(offsetsNow)
        .catch(() => undefined);
  }

  const timer = setInterval(() => void commitAdvisory(), COMMIT_EVERY_MS);
  timer.unref();
  session = openSession(environment, {
    group,
    topics: options.inputs,
    owned: () => new Set(assigned.map(({ partition }) => partition)),
    onAssigned,
    onBatch,
    fetch: fetchLimits.bulk,
  });
  return {
    ended: session.ended,
    ready: () =>
      current().reading() && assigned.every((a) => next.has(`${a.topic.name}/${a.partition}`)),
    positions: () => current().positions(),
    stop: async () => {
      clearInterval(timer);
      stopping.abort();
      await commitAdvisory();
      await current().stop();
    },
  };
}

/** consume → database, exactly once by offsets in the same transaction; see the port. */
export async function project<Tx>(
  environment: Environment,
  options: ProjectOptions<Tx>,
): Promise<Runner> {
  const { codecs, logger, offsets } = environment;
  const tableTopics: readonly Topic[] = options.tables ?? [];
  await codecs.bind([...options.inputs, ...tableTopics]);
  await offsets.partitionCounts(options.inputs);
  const deadLetters =
    options.deadLetter && (await openPublisher(environment, [options.deadLetter]));
  const { onTable } = options;
  const patience: Patience = {
    logger,
    name: options.service,
    stage: 'decide',
    waitsForConfiguration: false,
    alive: () => true,
    rest: delay,
  };
  const tables = await openTables(environment, tableTopics, async ({ topic, key, message }) => {
    if (onTable) await patiently(patience, () => onTable(topic, key, message));
  });
  const group = `${environment.namespace}${options.service}`;
  const shared = { environment, options, group, tables, deadLetters };
  return startRunner(
    options.service,
    logger,
    (fail) => {
      tables.done.catch(fail);
      return openWork(shared, fail);
    },
    async () => {
      await tables.stop();
      await deadLetters?.close();
    },
  );
}
