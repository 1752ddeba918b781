import assert from 'node:assert/strict';
import {
  topics,
  type Message,
  type PositionRecorded,
  type ProgressReached,
  type SiteVisited,
  type TaskRaised,
  type TenantConfigured,
  type Topic,
  type TripCompleted,
  type ZoneDescribed,
} from '@waybill/contracts';
import { taskKey } from '@waybill/domain';
import type { Emitter, KeyedStore, Received, Rejection, TableReader, Task } from '@waybill/stream';
import { createDetectorTask } from '../detector-task.ts';
import { unitStore } from '../service.ts';

/** What a turn produced. */
export interface Produced {
  readonly trips: TripCompleted[];
  readonly visits: SiteVisited[];
  readonly tasks: TaskRaised[];
  readonly rejections: Rejection[];
  readonly skipped: Map<string, number>;
  /** Topic, key and message of all records, in order. */
  readonly records: { readonly topic: string; readonly key: string; readonly message: Message }[];
}

export type Input = PositionRecorded | ProgressReached;

/**
 * One detector task over an in-memory changelog that behaves as the stream core does: changes are
 * staged, promoted by a commit, dropped by an abort, and every value passes the store's codec on a
 * restart. Emitted values must keep their contracts.
 */
export interface Driver {
  /** One transaction. With `abort` its changes and records are dropped. */
  readonly process: (inputs: readonly Input[], options?: { readonly abort?: boolean }) => Produced;
  readonly setTenant: (config: TenantConfigured) => Produced;
  readonly setZone: (zone: ZoneDescribed, options?: { readonly abort?: boolean }) => Produced;
  readonly removeZone: (tenantId: string, geofenceId: string) => Produced;
  /** A new process: the task and its store come from the changelog. */
  readonly restart: () => void;
  /** Newest version of each trip that is not retracted. */
  readonly standingTrips: () => TripCompleted[];
  readonly standingVisits: () => SiteVisited[];
  readonly openTasks: () => TaskRaised[];
  /** Deletes saved parts whose key holds `text`, as no transaction of ours would. */
  readonly lose: (text: string) => void;
  /** Keys and sizes of the saved parts. */
  readonly saved: () => ReadonlyMap<string, number>;
  /** Bytes written to the changelog so far. */
  readonly written: () => number;
  readonly logged: readonly { readonly message: string; readonly fields: object }[];
}

class MemoryStore implements KeyedStore<Uint8Array> {
  committed = new Map<string, Uint8Array>();
  staged = new Map<string, Uint8Array | undefined>();
  written = 0;

  get = (key: string): Uint8Array | undefined =>
    this.staged.has(key) ? this.staged.get(key) : this.committed.get(key);
  put = (key: string, value: Uint8Array): void => void this.staged.set(key, value);
  delete = (key: string): void => void this.staged.set(key, undefined);
  *entries(): IterableIterator<[string, Uint8Array]> {
    for (const [key, value] of this.committed) if (!this.staged.has(key)) yield [key, value];
    for (const [key, value] of this.staged) if (value !== undefined) yield [key, value];
  }
  promote(): void {
    for (const [key, value] of this.staged) {
      if (value === undefined) this.committed.delete(key);
      else {
        this.committed.set(key, value);
        this.written += key.length + value.length;
      }
    }
    this.staged.clear();
  }
  /** What a restored store holds: copies that went through the contract. */
  restored(): MemoryStore {
    const store = new MemoryStore();
    const { contracts } = topics.detectorUnit;
    for (const [key, value] of this.committed) {
      const message = unitStore.toMessage(value) as Message<'UnitStateSaved', never>;
      const bytes = contracts.UnitStateSaved.encode(message.value, 1);
      const decoded = contracts.UnitStateSaved.decode(bytes, 5);
      store.committed.set(key, unitStore.fromMessage({ type: 'UnitStateSaved', value: decoded }));
    }
    return store;
  }
}

const nothing: Produced = {
  trips: [],
  visits: [],
  tasks: [],
  rejections: [],
  skipped: new Map(),
  records: [],
};

function newest<T extends { readonly revision: number; readonly event_id: string }>(
  events: readonly T[],
): T[] {
  const byId = new Map<string, T>();
  for (const event of events) {
    const known = byId.get(event.event_id);
    assert.ok(known === undefined || event.revision > known.revision, 'revisions rise');
    byId.set(event.event_id, event);
  }
  return [...byId.values()];
}

function tableReader(tables: Map<string, Map<string, Message>>): TableReader {
  return {
    get: (topic, key) => tables.get(topic.name)?.get(key) as never,
    entries: (topic) => (tables.get(topic.name) ?? new Map()).entries() as never,
  };
}

/** A driver; the tenant of `config`, when given, is there before the first record. */
export function createDriver(
  config?: TenantConfigured,
  options: { readonly maxFixesPerUnit?: number; readonly checks?: boolean } = {},
): Driver {
  const tables = new Map<string, Map<string, Message>>();
  const logged: { message: string; fields: object }[] = [];
  const log = {
    trips: [] as TripCompleted[],
    visits: [] as SiteVisited[],
    tasks: [] as TaskRaised[],
  };
  let store = new MemoryStore();
  let offset = 0n;
  let task: Task;

  function start(): void {
    task = createDetectorTask(
      { partition: 0, store, tables: tableReader(tables) },
      {
        maxFixesPerUnit: options.maxFixesPerUnit ?? 100_000,
        metrics: { fix: () => undefined, published: () => undefined, state: () => undefined },
        logger: {
          info: (fields, message) => logged.push({ fields, message }),
          error: (fields, message) => logged.push({ fields, message }),
        },
      },
    );
  }

  function emitter(produced: Produced): Emitter {
    return {
      traceparent: () => undefined,
      emit: ({ topic, key, message }) => {
        assert.ok(message !== null);
        const { type, value } = message;
        if (options.checks !== false) {
          const contract = (topic as unknown as Topic).contracts[type as never];
          const { violations } = contract as { violations: (v: unknown) => readonly unknown[] };
          assert.deepEqual(violations(value), [], `${type} keeps its contract`);
        }
        produced.records.push({ topic: topic.name, key, message });
        if (type === 'TripCompleted') produced.trips.push(value as TripCompleted);
        if (type === 'SiteVisited') produced.visits.push(value as SiteVisited);
        if (type === 'TaskRaised') produced.tasks.push(value as TaskRaised);
      },
      reject: (rejection) => void produced.rejections.push(rejection),
      skip: (reason, count = 1) =>
        void produced.skipped.set(reason, (produced.skipped.get(reason) ?? 0) + count),
    };
  }

  function transaction(abort: boolean, work: (out: Emitter) => void): Produced {
    const produced: Produced = { ...nothing, ...structuredClone(nothing) };
    work(emitter(produced));
    if (abort) {
      store.staged.clear();
      return produced;
    }
    store.promote();
    log.trips.push(...produced.trips);
    log.visits.push(...produced.visits);
    log.tasks.push(...produced.tasks);
    return produced;
  }

  function received(input: Input): Received {
    offset += 1n;
    const isPosition = 'event_id' in input;
    const type = isPosition ? 'PositionRecorded' : 'ProgressReached';
    const inner = isPosition ? input.unit : input.source_id;
    return {
      topic: topics.position,
      partition: 0,
      offset,
      key: taskKey(input.tenant_id, inner),
      message: { type, value: input },
      publishedTime: -1,
      traceparent: undefined,
      bytes: Buffer.from('framed'),
    };
  }

  function changeTable(
    topic: unknown,
    key: string,
    message: Message | null,
    abort = false,
  ): Produced {
    const { name } = topic as Topic;
    const table = tables.get(name) ?? new Map<string, Message>();
    tables.set(name, table);
    if (message === null) table.delete(key);
    else table.set(key, message);
    return transaction(abort, (out) => task.onTable?.(topic as Topic, key, message, out));
  }

  start();
  const driver: Driver = {
    process: (inputs, { abort = false } = {}) =>
      transaction(abort, (out) => task.handle(inputs.map(received), out)),
    setTenant: (value) =>
      changeTable(topics.tenantConfig, value.tenant_id, { type: 'TenantConfigured', value }),
    setZone: (value, { abort = false } = {}) => {
      const key = taskKey(value.tenant_id, value.geofence_id);
      return changeTable(topics.zone, key, { type: 'ZoneDescribed', value }, abort);
    },
    removeZone: (tenantId, geofenceId) =>
      changeTable(topics.zone, taskKey(tenantId, geofenceId), null),
    restart: () => {
      store = store.restored();
      start();
    },
    standingTrips: () => newest(log.trips).filter((trip) => !trip.retracted),
    standingVisits: () => newest(log.visits).filter((visit) => !visit.retracted),
    openTasks: () =>
      newest(log.tasks.map((raised) => ({ ...raised, event_id: raised.task_id }))).filter(
        (raised) => raised.status === 'OPEN',
      ),
    lose: (text) => {
      for (const key of store.committed.keys()) {
        if (key.includes(text)) store.committed.delete(key);
      }
    },
    saved: () => new Map([...store.committed].map(([key, value]) => [key, value.length])),
    written: () => store.written,
    logged,
  };
  if (config !== undefined) driver.setTenant(config);
  return driver;
}
