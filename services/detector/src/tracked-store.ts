import type { KeyedStore } from '@waybill/stream';

/**
 * The task's store, watched. Decoded state in memory is only valid while the store holds what this task
 * put there: an aborted transaction drops staged changes, and memory must follow. Of each call one put
 * is remembered; all changes of a call are kept or dropped together, so one tells for all.
 */
export interface TrackedStore extends KeyedStore<Uint8Array> {
  /** Call first: the call that now begins is not known to have succeeded. */
  readonly begin: () => void;
  /** Call last: all changes of this call are put. */
  readonly complete: () => void;
  /** False when a call failed half-way, or its changes were dropped; memory must be built anew. */
  readonly isIntact: () => boolean;
}

/** Watches a store. */
export function trackStore(store: KeyedStore<Uint8Array>): TrackedStore {
  let witness: readonly [string, Uint8Array] | undefined;
  let pending: readonly [string, Uint8Array] | undefined;
  let isOpen = false;
  return {
    get: (key) => store.get(key),
    entries: () => store.entries(),
    delete: (key) => store.delete(key),
    put: (key, value) => {
      pending = [key, value];
      store.put(key, value);
    },
    begin: () => {
      isOpen = true;
      pending = undefined;
    },
    complete: () => {
      isOpen = false;
      witness = pending ?? witness;
    },
    isIntact: () => !isOpen && (witness === undefined || store.get(witness[0]) === witness[1]),
  };
}
