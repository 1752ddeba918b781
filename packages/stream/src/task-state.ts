import type { Message, Topic } from '@waybill/contracts';
import { createBuffers, type StagedBuffers } from './buffers.ts';
import { streamFault } from './errors.ts';
import type { KeyedStore, Outgoing, StoreCodec, StreamTime, TransactOptions } from './port.ts';
import { createStore, type StagedStore } from './store.ts';
import { createStreamTime } from './stream-time.ts';

/**
 * All state of one task: its stores, its buffers, their time and the state of its reworks, without a log.
 * The runner and the in-memory log share it, so that both stage, expire and drop in the same way.
 *
 * A transaction: the author changes → `expire` → `collect` into the transaction → `promote` after the
 * commit. After an abort the state is thrown away; only buffers may be kept, after `buffers.drop`.
 */
export interface TaskState<V> {
  readonly store: KeyedStore<V>;
  readonly stores: Readonly<Record<string, KeyedStore<unknown>>>;
  /** Empty ones at first; outside the changelog, so they come otherwise: see `adopt`. */
  readonly buffers: StagedBuffers;
  readonly time: StreamTime;
  /** Records of the topic `rework.state`, by key; refuses changes without `rework`. */
  readonly reworks: KeyedStore<Message>;
  /** The stores by changelog, for the restore. */
  readonly restorable: ReadonlyMap<Topic, StagedStore<unknown>>;
  /** Stages the deletion of what expired; call after each call of `handle` or `onTable`. */
  readonly expire: () => void;
  /** Hands over the changelog records; `add` answers with the bytes of key and value. */
  readonly collect: (add: (record: Outgoing) => number) => void;
  readonly promote: () => void;
  /** Takes over buffers of a former life of the task; call before the author sees the state. */
  readonly adopt: (buffers: StagedBuffers) => void;
  /** True when a store has a staged change. */
  readonly changed: () => boolean;
  /** Bytes of keys and values in all changelogs. */
  readonly storeBytes: () => number;
}

type Declared<V> = Pick<TransactOptions<V>, 'store' | 'stores' | 'rework'>;

type NamedCodec = readonly [string, StoreCodec<unknown>];

function namedCodecs<V>({ stores }: Declared<V>): readonly NamedCodec[] {
  // Each codec fits its own store; which values these hold, only the author knows.
  return Object.entries((stores ?? {}) as Record<string, StoreCodec<unknown>>);
}

/** The changelogs of a task. Throws a Fault `UNDECLARED_OUTPUT` when two stores share one. */
export function changelogsOf<V>(declared: Declared<V>): readonly Topic[] {
  const { store, rework } = declared;
  const found = [
    ...(store ? [store.changelog] : []),
    ...namedCodecs(declared).map(([, { changelog }]) => changelog),
    ...(rework ? [rework.state] : []),
  ];
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

function reworkCodec<V>({ rework }: Declared<V>): StoreCodec<Message> | undefined {
  if (rework === undefined) return undefined;
  return {
    changelog: rework.state,
    toMessage: (message) => message,
    fromMessage: (message) => message,
  };
}

/** Empty state. */
export function createTaskState<V>(declared: Declared<V>, partition: number): TaskState<V> {
  const time = createStreamTime();
  const store = createStore(declared.store, time);
  const named = namedCodecs(declared).map(([name, codec]) => ({
    name,
    codec,
    store: createStore(codec, time),
  }));
  const ofRework = reworkCodec(declared);
  const reworks = createStore(ofRework, time);
  const restorable = new Map<Topic, StagedStore<unknown>>();
  // A store restores what its own codec reads from its own changelog.
  if (declared.store) restorable.set(declared.store.changelog, store as StagedStore<unknown>);
  for (const { codec, store: each } of named) restorable.set(codec.changelog, each);
  if (ofRework) restorable.set(ofRework.changelog, reworks as StagedStore<unknown>);
  const all = [...restorable.values()];
  let buffers = createBuffers();
  return {
    store,
    stores: Object.fromEntries(named.map(({ name, store: each }) => [name, each])),
    get buffers() {
      return buffers;
    },
    time,
    reworks,
    restorable,
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
    adopt: (former) => {
      buffers = former;
    },
    changed: () => all.some((each) => each.changed()),
    storeBytes: () => all.reduce((sum, each) => sum + each.bytes(), 0),
  };
}
