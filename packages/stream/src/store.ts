import type { Message, Topic } from '@waybill/contracts';
import { streamFault } from './errors.ts';
import type { KeyedStore, Outgoing, StoreCodec } from './port.ts';

/**
 * State of one task. `committed` is what the changelog says; `staged` holds the changes of the running
 * transaction (undefined = deleted). promote: staged → committed, after the commit. An aborted
 * transaction throws the whole store away, because the author may have changed a value in place.
 */
export interface StagedStore<V> extends KeyedStore<V> {
  /** Puts a value as restored from the changelog. */
  readonly restore: (key: string, value: V) => void;
  /** The changelog records of the staged changes, one per key. */
  readonly changes: (partition: number) => readonly Outgoing[];
  readonly promote: () => void;
  readonly size: () => number;
}

export function createStore<V>(codec: StoreCodec<V> | undefined): StagedStore<V> {
  const committed = new Map<string, V>();
  const staged = new Map<string, V | undefined>();

  function* entries(): IterableIterator<[string, V]> {
    for (const [key, value] of committed) {
      if (!staged.has(key)) yield [key, value];
    }
    for (const [key, value] of staged) {
      if (value !== undefined) yield [key, value];
    }
  }

  function change(topic: Topic, key: string, value: V | undefined, partition: number): Outgoing {
    const message: Message | null = value === undefined ? null : (codec?.toMessage(value) ?? null);
    return { topic, key, message, partition };
  }

  function stage(key: string, value: V | undefined): void {
    if (codec === undefined) {
      throw streamFault('UNDECLARED_OUTPUT', 'decide', `expected a changelog: declare a store`);
    }
    staged.set(key, value);
  }

  return {
    get: (key) => (staged.has(key) ? staged.get(key) : committed.get(key)),
    put: (key, value) => stage(key, value),
    delete: (key) => stage(key, undefined),
    entries,
    restore: (key, value) => {
      committed.set(key, value);
    },
    changes: (partition) => {
      if (codec === undefined) return [];
      return [...staged].map(([key, value]) => change(codec.changelog, key, value, partition));
    },
    promote: () => {
      for (const [key, value] of staged) {
        if (value === undefined) committed.delete(key);
        else committed.set(key, value);
      }
      staged.clear();
    },
    size: () => committed.size,
  };
}
