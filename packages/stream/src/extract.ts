import type { Message, Topic } from '@waybill/contracts';
import type { Fault } from '@waybill/fault';
import type { Assignment } from './assigner.ts';
import { atMost } from './delay.ts';
import type { Environment } from './environment.ts';
import { createOwnerSlot, type OwnerSlot } from './owner-slot.ts';
import type { ExtractOptions, Runner } from './port.ts';
import { startRunner, type Work } from './runner.ts';
import { openSession, type Session } from './session.ts';
import { openTables, type Tables } from './tables.ts';

/** An author who ignores `revoked`, or a cluster that is away, must not hold up the stop. */
const STOP_LIMIT_MS = 5_000;

interface Shared<M extends Message> {
  readonly environment: Environment;
  readonly options: ExtractOptions<M>;
  readonly partitions: number;
  readonly writable: ReadonlyMap<string, number>;
  readonly tables: Tables;
}

function openWork<M extends Message>(shared: Shared<M>, fail: (fault: Fault) => void): Work {
  const { environment, options, partitions, writable } = shared;
  const group = `${environment.namespace}${options.service}`;
  const cursors = options.cursors as unknown as Topic;
  const slots = new Map<number, OwnerSlot>();
  const leaving = new Map<number, Promise<void>>();
  let session: Session | undefined;
  let joined = false;
  let stopping = false;

  function current(): Session {
    if (session === undefined) throw new Error('the session calls back after it was opened');
    return session;
  }

  function release(slot: OwnerSlot): void {
    slots.delete(slot.partition);
    const closed: Promise<void> = slot.close().finally(() => {
      if (leaving.get(slot.partition) === closed) leaving.delete(slot.partition);
    });
    leaving.set(slot.partition, closed);
  }

  /** The topic is assigned but never fetched: cursors are read once, at the take-over. */
  function onAssigned(assignment: Assignment): void {
    joined = true;
    const assigned = stopping ? [] : (assignment.get(cursors.name) ?? []);
    for (const slot of slots.values()) {
      if (!assigned.includes(slot.partition)) release(slot);
    }
    const setting = {
      environment,
      options,
      group,
      partitions,
      writable,
      tables: shared.tables.reader,
      confirmed: () => current().confirmed(),
      fail,
    };
    for (const partition of assigned) {
      current().pause(cursors, partition);
      if (!slots.has(partition)) slots.set(partition, createOwnerSlot(setting, partition));
    }
  }

  session = openSession(environment, {
    group,
    topics: [cursors],
    owned: () => slots.keys(),
    onAssigned,
    onBatch: async () => undefined,
  });
  return {
    ended: session.ended,
    ready: () => joined && [...slots.values()].every((slot) => slot.isReady()),
    positions: () => [],
    stop: async () => {
      stopping = true;
      // Owners end first, while the membership still stands: what they commit last is not fenced.
      for (const slot of slots.values()) release(slot);
      await atMost(STOP_LIMIT_MS, Promise.all(leaving.values()));
      await current().stop();
    },
  };
}

/** Owns partitions of a cursor topic; see the port. Resolves when the tables are read. */
export async function extract<M extends Message>(
  environment: Environment,
  options: ExtractOptions<M>,
): Promise<Runner> {
  const { codecs, logger, offsets } = environment;
  const cursors = options.cursors as unknown as Topic;
  const tableTopics: readonly Topic[] = options.tables ?? [];
  const written: readonly Topic[] = [cursors, ...options.outputs];
  await codecs.bind([...written, ...tableTopics]);
  const writable = await offsets.partitionCounts(written);
  const { onTable } = options;
  const tables = await openTables(environment, tableTopics, ({ topic, key, message }) => {
    onTable?.(topic, key, message);
  });
  const partitions = writable.get(cursors.name) ?? 0;
  const shared = { environment, options, partitions, writable, tables };
  return startRunner(
    options.service,
    logger,
    (fail) => {
      tables.done.catch(fail);
      return openWork(shared, fail);
    },
    () => tables.stop(),
  );
}
