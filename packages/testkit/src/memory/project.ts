import type { Topic } from '@waybill/contracts';
import { toFault, type Fault } from '@waybill/fault';
import { firstToRead, unreadableLetter, type Position, type ProjectOptions } from '@waybill/stream';
import type { Stored } from './broker.ts';
import { decode, encode, type DecodedRecords, type Instance } from './instance.ts';
import { startRunner, type MemoryRunner } from './runner.ts';
import { openTables } from './tables.ts';

const CHUNK_RECORDS = 2_000;
const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 10_000;
const MISCONFIGURED_DELAY_MS = 30_000;
const MAX_ATTEMPTS = 65;

interface Place {
  readonly topic: Topic;
  readonly partition: number;
  /** What the database says. */
  stored: bigint;
  /** Where reading goes on, behind markers too. */
  next: bigint;
}

/** Waiting for a far end that is away: 0.25 s doubling to 10 s, 30 s while it is misconfigured. */
function createPatience(now: () => number) {
  let attempts = 0;
  let retryAt: number | undefined;
  return {
    dueAt: () => retryAt,
    isWaiting: () => retryAt !== undefined && now() < retryAt,
    succeeded: () => {
      attempts = 0;
      retryAt = undefined;
    },
    /** Throws the Fault when nothing is gained by waiting. */
    failed: (fault: Fault) => {
      const passes = fault.kind === 'transient' || fault.kind === 'misconfigured';
      if (!passes || attempts >= MAX_ATTEMPTS) throw fault;
      const doubled = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempts, 20));
      const pause = fault.kind === 'misconfigured' ? MISCONFIGURED_DELAY_MS : doubled;
      attempts += 1;
      retryAt = now() + Math.max(pause, fault.retryAfterMs ?? 0);
    },
  };
}

/** *project* in memory; see the port. */
export async function project<Tx>(
  instance: Instance,
  options: ProjectOptions<Tx>,
): Promise<MemoryRunner> {
  const { broker, codecs, engine, groups, logger, metrics } = instance;
  const { deadLetter, service } = options;
  const tableTopics: readonly Topic[] = options.tables ?? [];
  const deadLetters = deadLetter ? [deadLetter] : [];
  await codecs.bind([...options.inputs, ...tableTopics, ...deadLetters]);
  const counts = broker.partitionCounts([...options.inputs, ...deadLetters]);
  const tables = await openTables(instance, tableTopics, async ({ topic, key, message }) => {
    await options.onTable?.(topic, key, message);
  });
  const patience = createPatience(engine.now);
  let assigned: readonly number[] | undefined;
  let places: Place[] | undefined;

  function startOf(topic: Topic, partition: number, offset: bigint | undefined): bigint {
    return firstToRead(instance, topic, partition, broker.start(topic.name, partition), offset);
  }

  async function readStart(mine: readonly number[]): Promise<void> {
    const stored = await options.store.offsets(service);
    places = options.inputs.flatMap((topic) =>
      mine
        .filter((partition) => partition < (counts.get(topic.name) ?? 0))
        .map((partition) => {
          const known = stored.get(`${topic.name}/${partition}`);
          const next = startOf(topic, partition, known);
          return { topic, partition, stored: known ?? 0n, next };
        }),
    );
  }

  function sendDeadLetters({ unreadable }: DecodedRecords): void {
    if (unreadable.length === 0) return;
    if (deadLetter === undefined) {
      for (const { topic, partition, offset, problem } of unreadable) {
        const fields = { topic: topic.name, partition, offset: String(offset), problem };
        logger.warn(fields, 'record.undecodable');
      }
    } else {
      const box = { service, topic: deadLetter, now: engine.now };
      const letters = unreadable.map((found) => unreadableLetter(box, found));
      broker.append(
        letters.map(({ record, headers }) => encode(instance, counts, record, { headers })),
      );
    }
    metrics.discarded('UNDECODABLE', false, unreadable.length);
  }

  async function advance(
    place: Place,
    records: readonly Stored[],
    after: bigint,
  ): Promise<boolean> {
    const { topic, partition } = place;
    const first = records[0]?.offset ?? 0n;
    const decoded = await decode(instance, topic, records);
    const links = decoded.received.flatMap(({ traceparent }) => traceparent ?? []).slice(0, 32);
    const span = { topic: topic.name, partition, count: records.length, links };
    const offsets = { firstOffset: first, lastOffset: after - 1n };
    const step = { group: service, topic: topic.name, partition, from: place.stored, next: after };
    const moved = await instance.tracing.batch({ ...span, ...offsets }, async () => {
      sendDeadLetters(decoded);
      return options.store.advance(step, async (tx) => {
        if (decoded.received.length > 0) await options.handle(decoded.received, tx, tables.reader);
      });
    });
    decoded.takeBack();
    return moved;
  }

  /** Reads one chunk; false when there was none. */
  async function runChunk(place: Place): Promise<boolean> {
    const { topic, partition } = place;
    const from = startOf(topic, partition, place.next);
    const { records, next } = broker.read(topic.name, partition, from, CHUNK_RECORDS);
    const last = records.at(-1);
    const moved = next !== place.next;
    if (last !== undefined) {
      if (!(await advance(place, records, last.offset + 1n))) {
        logger.warn({ group: service, topic: topic.name, partition }, 'projection.owner_changed');
        // Another instance moved the offset: read all of them again before anything is handled.
        places = undefined;
        return true;
      }
      place.stored = last.offset + 1n;
      metrics.received(topic.name, records.length);
      metrics.batch(topic.name, 0);
    }
    place.next = next;
    return moved;
  }

  async function work(mine: readonly number[]): Promise<boolean> {
    if (places === undefined) {
      await readStart(mine);
      return true;
    }
    let moved = false;
    for (const place of places) {
      if (places !== undefined) moved = (await runChunk(place)) || moved;
    }
    return moved;
  }

  return startRunner(instance, () => {
    const partitions = Math.max(...options.inputs.map(({ name }) => counts.get(name) ?? 0));
    const kill = groups.join(service, partitions, {
      id: instance.memberId,
      owned: () => assigned ?? [],
      assign: (mine) => {
        assigned = mine;
        places = undefined;
      },
    });
    return {
      name: service,
      ready: () => places !== undefined,
      positions: () =>
        (places ?? []).map(({ topic, partition, next }): Position => {
          return {
            topic: topic.name,
            partition,
            next,
            lag: broker.end(topic.name, partition) - next,
          };
        }),
      dueAt: patience.dueAt,
      step: async () => {
        if (assigned === undefined || patience.isWaiting()) return false;
        try {
          const told = await tables.step();
          const moved = await work(assigned);
          patience.succeeded();
          return moved || told;
        } catch (error) {
          patience.failed(toFault(error, 'deliver'));
          return true;
        }
      },
      close: async () => kill(),
      kill,
    };
  });
}
