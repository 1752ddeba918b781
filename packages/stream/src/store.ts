import type { Message } from '@waybill/contracts';
import { createByteLog } from './byte-log.ts';
import { streamFault } from './errors.ts';
import { createExpiryQueue } from './expiry-queue.ts';
import type { KeyedStore, Outgoing, StoreCodec, StreamTime } from './port.ts';

/**
 * State of one task. `committed` is what the changelog says; `staged` holds the changes of the running
 * transaction (undefined = deleted). promote: staged → committed, after the commit. An aborted
 * transaction throws the whole store away, because the author may have changed a value in place.
 *
 * Expiry: the queue holds committed entries only. Both views hide an entry whose time has come, and
 * `expire` stages its tombstone.
 */
export interface StagedStore<V> extends KeyedStore<V> {
  /** Puts a value as read from the changelog; `bytes` of key and value there. */
  readonly restore: (key: string, message: Message, bytes: number) => void;
  /** Stages the deletion of what expired; call when the author is done. */
  readonly expire: () => void;
  /** Hands over one changelog record per changed key; `add` answers with its bytes. */
  readonly collect: (partition: number, add: (record: Outgoing) => number) => void;
  readonly promote: () => void;
  /** True when something is staged. */
  readonly changed: () => boolean;
  readonly size: () => number;
  /** Bytes of keys and values in the changelog, with what was collected. */
  readonly bytes: () => number;
  /** Bytes of the memory behind values that are bytes; at most a ninth and 128 KiB more than these. */
  readonly held: () => number;
}

interface Entry<V> {
  /** Undefined where it stands in the log of bytes. */
  value: V | undefined;
  /** Its place in the log of bytes; -1 for none. */
  place: number;
  /** As of the put: the author may change the value in place later. */
  readonly expiresAt: number;
  bytes: number;
}

export function createStore<V>(codec: StoreCodec<V> | undefined, time: StreamTime): StagedStore<V> {
  const committed = new Map<string, Entry<V>>();
  const staged = new Map<string, Entry<V> | undefined>();
  const { expiry } = codec ?? {};
  const queue = createExpiryQueue();
  const log = codec?.isBytes === true ? createByteLog() : undefined;
  let bytes = 0;

  function entryOf(value: V, size: number): Entry<V> {
    const expiresAt = expiry === undefined ? Infinity : expiry.timeOf(value) + expiry.ttlMs;
    return { value, place: -1, expiresAt, bytes: size };
  }

  /** Only `isBytes` makes places, and says that values are bytes. */
  function valueOf({ value, place }: Entry<V>): V {
    return (place === -1 ? value : log?.get(place)) as V;
  }

  /** What is committed stands in the log of bytes. */
  function moveToLog(entry: Entry<V>): void {
    if (log === undefined) return;
    entry.place = log.put(entry.value as Uint8Array);
    entry.value = undefined;
  }

  function alive(entry: Entry<V> | undefined): entry is Entry<V> {
    return entry !== undefined && entry.expiresAt > time.now();
  }

  function* entries(): IterableIterator<[string, V]> {
    for (const [key, entry] of committed) {
      if (!staged.has(key) && alive(entry)) yield [key, valueOf(entry)];
    }
    for (const [key, entry] of staged) {
      if (alive(entry)) yield [key, valueOf(entry)];
    }
  }

  function stage(key: string, entry: Entry<V> | undefined): void {
    if (codec === undefined) {
      throw streamFault('UNDECLARED_OUTPUT', 'decide', `expected a changelog: declare a store`);
    }
    staged.set(key, entry);
  }

  function settle(key: string, entry: Entry<V> | undefined): void {
    if (expiry !== undefined) {
      queue.place(key, committed.get(key)?.expiresAt, entry?.expiresAt);
    }
    const place = committed.get(key)?.place ?? -1;
    if (place !== -1) log?.free(place);
    if (entry === undefined) {
      committed.delete(key);
      return;
    }
    moveToLog(entry);
    committed.set(key, entry);
  }

  return {
    get: (key) => {
      const entry = staged.has(key) ? staged.get(key) : committed.get(key);
      return alive(entry) ? valueOf(entry) : undefined;
    },
    put: (key, value) => stage(key, entryOf(value, 0)),
    delete: (key) => stage(key, undefined),
    entries,
    restore: (key, message, size) => {
      if (codec === undefined) return;
      const value = codec.fromMessage(message);
      settle(key, entryOf(value, size));
      bytes += size;
      if (expiry !== undefined) time.advance(expiry.timeOf(value));
    },
    expire: () => {
      if (expiry === undefined) return;
      for (const [key, entry] of staged) if (!alive(entry)) staged.set(key, undefined);
      for (const key of queue.due(time.now())) {
        if (!staged.has(key) && !alive(committed.get(key))) staged.set(key, undefined);
      }
    },
    collect: (partition, add) => {
      if (codec === undefined) return;
      const { changelog: topic, toMessage } = codec;
      for (const [key, entry] of staged) {
        const before = committed.get(key);
        if (entry === undefined && before === undefined) continue;
        bytes -= before?.bytes ?? 0;
        const message = entry === undefined ? null : toMessage(valueOf(entry));
        const size = add({ topic, key, message, partition });
        if (entry === undefined) continue;
        entry.bytes = size;
        bytes += size;
      }
    },
    promote: () => {
      for (const [key, entry] of staged) settle(key, entry);
      staged.clear();
    },
    changed: () => staged.size > 0,
    size: () => committed.size,
    bytes: () => bytes,
    held: () => log?.held() ?? 0,
  };
}
