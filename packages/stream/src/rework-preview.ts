import type { Message } from '@waybill/contracts';
import { createBuffers } from './buffers.ts';
import { createByteLog } from './byte-log.ts';
import type { Codecs } from './codec.ts';
import { streamFault } from './errors.ts';
import type { Emitter, KeyedBuffers, KeyedStore, Received, StoreCodec, Task } from './port.ts';
import { createStreamTime } from './stream-time.ts';
import type { ReworkHost, ReworkLife } from './rework-host.ts';

/** A store on top of another one: changes stay here, and values are copies. */
export function overlayStore<V>(base: KeyedStore<V>, copy: (value: V) => V): KeyedStore<V> {
  const known = new Map<string, V | undefined>();
  const get = (key: string): V | undefined => {
    if (known.has(key)) return known.get(key);
    const value = base.get(key);
    // Kept, because the author may change what it got and put it later.
    if (value !== undefined) known.set(key, copy(value));
    return known.get(key);
  };
  return {
    get,
    put: (key, value) => {
      known.set(key, value);
    },
    delete: (key) => {
      known.set(key, undefined);
    },
    *entries() {
      for (const [key] of base.entries()) {
        if (known.has(key)) continue;
        const value = get(key);
        if (value !== undefined) yield [key, value];
      }
      for (const [key, value] of known) if (value !== undefined) yield [key, value];
    },
  };
}

/** Buffers on top of others: a key is copied when it changes. */
export function overlayBuffers(base: KeyedBuffers): KeyedBuffers {
  const own = createBuffers();
  own.open(true);
  const taken = new Set<string>();
  const take = (key: string): void => {
    if (taken.has(key)) return;
    taken.add(key);
    own.set(key, base.get(key));
  };
  const holder = (key: string): KeyedBuffers => (taken.has(key) ? own : base);
  return {
    length: (key) => holder(key).length(key),
    get: (key) => holder(key).get(key),
    read: (key, from, to) => holder(key).read(key, from, to),
    append: (key, bytes) => {
      take(key);
      own.append(key, bytes);
    },
    insert: (key, at, bytes) => {
      take(key);
      own.insert(key, at, bytes);
    },
    set: (key, bytes) => {
      take(key);
      own.set(key, bytes);
    },
    dropFront: (key, count) => {
      take(key);
      own.dropFront(key, count);
    },
    delete: (key) => {
      take(key);
      own.delete(key);
    },
    *keys() {
      for (const key of base.keys()) if (!taken.has(key)) yield key;
      yield* own.keys();
    },
    size: () => {
      let size = base.size() + own.size();
      for (const key of taken) size -= base.length(key);
      return size;
    },
  };
}

/** A real copy of a value: through its record and back. */
function copier<V>(codecs: Codecs, codec: StoreCodec<V>): (value: V) => V {
  return (value) => {
    const bytes = codecs.encode(codec.changelog, codec.toMessage(value));
    const decoded = codecs.decoder(codec.changelog)(bytes, 0, bytes.length);
    const message = typeof decoded === 'number' ? undefined : decoded.message;
    if (message === undefined) {
      throw streamFault('UNDECODABLE', 'decide', `${codec.changelog.name}: a value of its own`);
    }
    return codec.fromMessage(message);
  };
}

/** Runs the current code on records, on copies of the state. */
export interface Preview {
  /** The state that it copies; another life of the task needs another preview. */
  readonly of: unknown;
  readonly handle: (records: readonly Received[], out: Emitter) => void;
}

const ignored: Emitter = {
  emit: () => undefined,
  reject: () => undefined,
  skip: () => undefined,
  traceparent: () => undefined,
};

/** Makes a task of its own, as after a start, that shares nothing with the running one. */
export function openPreview<V>(
  { codecs, options, partition, partitions, tables }: ReworkHost<V>,
  life: ReworkLife<V>,
): Preview {
  const { state } = life;
  const named = Object.entries((options.stores ?? {}) as Record<string, StoreCodec<unknown>>);
  const time = createStreamTime();
  time.advance(state.time.now());
  const task: Task = options.createTask({
    partition,
    partitions,
    store: options.store
      ? overlayStore(state.store, copier(codecs, options.store))
      : overlayStore(state.store, (value) => value),
    stores: Object.fromEntries(
      named.flatMap(([name, codec]) => {
        const store = state.stores[name];
        return store ? [[name, overlayStore(store, copier(codecs, codec))]] : [];
      }),
    ),
    buffers: overlayBuffers(state.buffers),
    memory: createByteLog(),
    time,
    tables: tables.reader,
  });
  for (const { topic, key, message } of tables.snapshot())
    task.onTable?.(topic, key, message, ignored);
  return { of: state, handle: task.handle };
}

/** What an element is called in a report. */
export function elementId(key: string, message: Message | null): string {
  const { event_id: id } = (message?.value ?? {}) as { event_id?: unknown };
  return typeof id === 'string' ? id : key;
}
