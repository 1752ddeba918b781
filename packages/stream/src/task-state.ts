import type { Topic } from '@waybill/contracts';
import { createBuffers, type StagedBuffers } from './buffers.ts';
import { streamFault } from './errors.ts';
import type { KeyedStore, Outgoing, StoreCodec, StreamTime, TransactOptions } from './port.ts';
import { createStore, type StagedStore } from './store.ts';
import { createStreamTime } from './stream-time.ts';

/**
 * All state of one task: its stores, its buffers and its time, without a log. The runner and the in-memory
 * log share it, so that both stage, expire and drop in the same way.
 *
 * A transaction: the author changes → `expire` → `collect` into the transaction → `promote` after the
 * commit. After an abort the state is thrown away; only buffers may be kept, after `buffers.drop`.
 */
export interface TaskState<V> {
  readonly store: KeyedStore<V>;
  readonly stores: Readonly<Record<string, KeyedStore<unknown>>>;
  readonly buffers: StagedBuffers;
  readonly time: StreamTime;
  /** The stores by changelog, for the restore. */
  readonly restorable: ReadonlyMap<Topic, StagedStore<unknown>>;
  /** Stages the deletion of what expired; call after each call of `handle` or `onTable`. */
  readonly expire: () => void;
  /** Hands over the changelog records; `add` answers with the bytes of key and value. */
  readonly collect: (add: (record: Outgoing) => number) => void;
  readonly promote: () => void;
  /** Bytes of keys and values in all changelogs. */
  readonly storeBytes: () => number;
}

type Declared<V> = Pick<TransactOptions<V>, 'store' | 'stores' | 'buffers'>;

/** The changelogs of a task. Throws a Fault `UNDECLARED_OUTPUT` when two stores share one. */
export function changelogsOf<V>({ store, stores }: Declared<V>): readonly Topic[] {
  const named = Object.values(stores ?? {}) as readonly StoreCodec<unknown>[];
  const found = [...(store ? [store.changelog] : []), ...named.map(({ changelog }) => changelog)];
  const twice = found.find((topic, index) =>
    found.slice(0, index).some(({ name }) => name === topic.name),
  );
  if (twice !== undefined) {
    throw streamFault(
      'UNDECLARED_OUTPUT',
      'start',
      `expected one changelog per store, found ${twice.name} twice: give each store its own topic`,
    );
  }
  return found;
}

/** Empty state; `buffers` are those of a former life of the task, when they are still good. */
export function createTaskState<V>(
  declared: Declared<V>,
  partition: number,
  buffers: StagedBuffers = createBuffers(),
): TaskState<V> {
  const time = createStreamTime();
  const store = createStore(declared.store, time);
  const codecs = Object.entries(declared.stores ?? {}) as [string, StoreCodec<unknown>][];
  const named = codecs.map(([name, codec]) => [name, createStore(codec, time), codec] as const);
  // A store restores its own values only; which type they have, its codec knows.
  const main = store as unknown as StagedStore<unknown>;
  const all = [main, ...named.map(([, other]) => other)];
  const { changelog } = declared.store ?? {};
  return {
    store,
    stores: Object.fromEntries(named.map(([name, other]) => [name, other])),
    buffers,
    time,
    restorable: new Map([
      ...(changelog ? [[changelog, main] as const] : []),
      ...named.map(([, other, codec]) => [codec.changelog, other] as const),
    ]),
    expire: () => {
      for (const each of all) each.expire();
    },
    collect: (add) => {
      for (const each of all) each.collect(partition, add);
    },
    promote: () => {
      for (const each of all) each.promote();
      buffers.promote();
    },
    storeBytes: () => all.reduce((sum, each) => sum + each.bytes(), 0),
  };
}
