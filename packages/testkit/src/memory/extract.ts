import type { Message, Topic } from '@waybill/contracts';
import { toFault, type Fault } from '@waybill/fault';
import { partitionFor, streamFault, type ExtractOptions, type Owner } from '@waybill/stream';
import { decode, encode, type Instance } from './instance.ts';
import { startRunner, type MemoryRunner } from './runner.ts';
import { openTables, type MemoryTables } from './tables.ts';

const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 10_000;
const MISCONFIGURED_DELAY_MS = 30_000;
const MAX_ATTEMPTS = 60;

interface Setting<M extends Message> {
  readonly instance: Instance;
  readonly options: ExtractOptions<M>;
  readonly counts: ReadonlyMap<string, number>;
  readonly tables: MemoryTables;
  readonly fail: (fault: Fault) => void;
}

/** One owned partition: taken over, then `own` runs beside the engine until it ends or is revoked. */
interface OwnedPartition {
  readonly isReady: () => boolean;
  readonly step: () => Promise<boolean>;
  readonly dueAt: () => number | undefined;
  /** Revokes, and waits for the author to return. */
  readonly close: () => Promise<void>;
}

function ownPartition<M extends Message>(setting: Setting<M>, partition: number): OwnedPartition {
  const { instance, options, counts, tables, fail } = setting;
  const { broker, engine, logger, metrics } = instance;
  // The name and the contracts are all that is needed of the topic here.
  const cursorTopic = options.cursors as unknown as Topic;
  const id = `${options.service}-${partition}`;
  const closing = new AbortController();
  let running: Promise<void> | undefined;
  let retryAt: number | undefined;
  let attempts = 0;

  async function takeOver(cursors: Map<string, M>): Promise<number> {
    const epoch = broker.fence(id);
    cursors.clear();
    for (const record of broker.read(cursorTopic.name, partition, 0n).records) {
      const { received } = await decode(instance, cursorTopic, [record]);
      const [found] = received;
      if (found === undefined) cursors.delete(record.key);
      else cursors.set(record.key, found.message as M);
    }
    return epoch;
  }

  function open(cursors: Map<string, M>, first: number, revoking: AbortController): Owner<M> {
    const revoked = AbortSignal.any([closing.signal, revoking.signal]);
    let epoch = first;

    /** Says what became of the transaction, by reading the cursors again; always throws. */
    async function afterFailure(fault: Fault): Promise<never> {
      if (fault.code === 'FENCED' || fault.kind !== 'transient') {
        revoking.abort();
        throw fault;
      }
      epoch = await takeOver(cursors);
      throw streamFault('COMMIT_UNKNOWN', 'commit', fault.message, fault);
    }

    return {
      partition,
      owns: (key) => partitionFor(key, counts.get(cursorTopic.name) ?? 1) === partition,
      cursors,
      revoked,
      commit: async (records) => {
        if (revoked.aborted) throw streamFault('FENCED', 'commit', `${id}: taken away`);
        const encoded = records.map((record) => encode(instance, counts, record));
        try {
          if (encoded.length > 0) broker.transact({ id, epoch }, encoded);
        } catch (error) {
          await afterFailure(toFault(error, 'commit'));
        }
        for (const { topic, key, message } of records) {
          if (topic.name !== cursorTopic.name) continue;
          if (message === null) cursors.delete(key);
          else cursors.set(key, message as M);
        }
        for (const [topic, group] of Map.groupBy(encoded, (record) => record.topic)) {
          metrics.emitted(topic, group.length);
        }
      },
    };
  }

  function again(fault: Fault | undefined): void {
    attempts = fault === undefined ? 0 : attempts + 1;
    let pause = FIRST_DELAY_MS;
    if (fault !== undefined) {
      const { code, kind, message: detail } = fault;
      const passes = kind === 'transient' || kind === 'cancelled' || kind === 'misconfigured';
      if (!passes || attempts > MAX_ATTEMPTS) {
        fail(fault);
        return;
      }
      logger.warn({ group: options.service, partition, code, detail }, 'owner.interrupted');
      const doubled = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempts - 1, 20));
      pause = kind === 'misconfigured' ? MISCONFIGURED_DELAY_MS : doubled;
    }
    retryAt = engine.now() + pause;
  }

  async function live(): Promise<void> {
    const cursors = new Map<string, M>();
    const revoking = new AbortController();
    const owner = open(cursors, await takeOver(cursors), revoking);
    logger.info({ group: options.service, partition, cursors: cursors.size }, 'owner.started');
    running = options
      .own(owner, tables.reader)
      .then(
        () => again(undefined),
        (error: unknown) => {
          if (!closing.signal.aborted) again(toFault(error, 'decide'));
        },
      )
      .finally(() => {
        running = undefined;
        revoking.abort();
      });
  }

  return {
    isReady: () => running !== undefined,
    dueAt: () => (running === undefined ? retryAt : undefined),
    step: async () => {
      const isWaiting = retryAt !== undefined && engine.now() < retryAt;
      if (running !== undefined || isWaiting || closing.signal.aborted) return false;
      await live();
      return true;
    },
    close: async () => {
      closing.abort();
      await running;
    },
  };
}

/** *extract* in memory; see the port. */
export async function extract<M extends Message>(
  instance: Instance,
  options: ExtractOptions<M>,
): Promise<MemoryRunner> {
  const { broker, codecs, groups, memberId } = instance;
  const cursors = options.cursors as unknown as Topic;
  const tableTopics: readonly Topic[] = options.tables ?? [];
  const written: readonly Topic[] = [cursors, ...options.outputs];
  await codecs.bind([...written, ...tableTopics]);
  const counts = broker.partitionCounts(written);
  const tables = await openTables(instance, tableTopics, ({ topic, key, message }) => {
    options.onTable?.(topic, key, message);
  });
  const owned = new Map<number, OwnedPartition>();
  let joined = false;

  return startRunner(instance, (fail) => {
    const setting = { instance, options, counts, tables, fail };
    const leave = groups.join(options.service, counts.get(cursors.name) ?? 0, {
      id: memberId,
      owned: () => owned.keys(),
      assign: (assigned) => {
        joined = true;
        for (const [partition, slot] of owned) {
          if (assigned.includes(partition)) continue;
          owned.delete(partition);
          void slot.close();
        }
        for (const partition of assigned) {
          if (!owned.has(partition)) owned.set(partition, ownPartition(setting, partition));
        }
      },
    });
    const release = async (): Promise<void> => {
      // Owners end first, while the membership still stands: what they commit last is not fenced.
      await Promise.all([...owned.values()].map((slot) => slot.close()));
      owned.clear();
      leave();
    };
    return {
      name: options.service,
      ready: () => joined && [...owned.values()].every((slot) => slot.isReady()),
      positions: () => [],
      dueAt: () => {
        const dues = [...owned.values()].flatMap((slot) => slot.dueAt() ?? []);
        return dues.length === 0 ? undefined : Math.min(...dues);
      },
      step: async () => {
        let moved = await tables.step();
        for (const slot of owned.values()) moved = (await slot.step()) || moved;
        return moved;
      },
      close: release,
      kill: () => void release(),
    };
  });
}
