import type { Outgoing } from '@waybill/stream';

/** Bytes of page bodies in one transaction: brokers take 1 MiB at once by default. */
const TRANSACTION_BYTES = 768 * 1024;
/** Bytes that may wait behind the transaction in flight; whoever adds more waits as well. */
const WAITING_BYTES = 2 * 1024 * 1024;

/** Records that stand or fall together, such as a page and the cursor behind it. */
export interface Group {
  readonly records: readonly Outgoing[];
  readonly bytes: number;
}

/**
 * Group commit of one session: while a transaction is in flight further groups wait, in order, and go
 * together in the next one, so that reading a thousand small intervals does not take a thousand
 * round trips. idle → committing → idle, or failed for good: after a failed transaction nothing more is
 * committed, the session ends, and what was not committed is read again.
 */
export interface CommitQueue {
  /** Takes a group; resolves when there is room for more. Throws what an earlier transaction threw. */
  readonly add: (group: Group) => Promise<void>;
  /**
   * Resolves when everything added so far is committed, whatever others add meanwhile: live pages do not wait
   * for a gap to be read. Throws what a transaction threw.
   */
  readonly drained: () => Promise<void>;
}

/** A queue in front of an owner's `commit`. */
export function createCommitQueue(
  commit: (records: readonly Outgoing[]) => Promise<void>,
): CommitQueue {
  const waiting: Group[] = [];
  const state: {
    bytes: number;
    /** Groups ever added, and those of them that are over. */
    added: number;
    over: number;
    isRunning: boolean;
    failure: { readonly error: unknown } | undefined;
    /** Resolves when the transaction in flight has ended. */
    ended: PromiseWithResolvers<void>;
  } = {
    bytes: 0,
    added: 0,
    over: 0,
    isRunning: false,
    failure: undefined,
    ended: Promise.withResolvers(),
  };

  function takeNext(): readonly Outgoing[] {
    const records: Outgoing[] = [];
    let bytes = 0;
    for (let group = waiting[0]; group !== undefined; group = waiting[0]) {
      if (records.length > 0 && bytes + group.bytes > TRANSACTION_BYTES) break;
      records.push(...group.records);
      bytes += group.bytes;
      waiting.shift();
    }
    state.bytes -= bytes;
    return records;
  }

  /** Never rejects: a failure is kept for whoever adds or drains next. */
  async function run(): Promise<void> {
    while (waiting.length > 0) {
      try {
        const before = waiting.length;
        const records = takeNext();
        const taken = before - waiting.length;
        await commit(records);
        state.over += taken;
      } catch (error) {
        state.failure = { error };
        waiting.length = 0;
        state.bytes = 0;
        state.over = state.added;
      }
      state.isRunning = waiting.length > 0;
      state.ended.resolve();
      state.ended = Promise.withResolvers();
    }
  }

  async function wait(isOver: () => boolean): Promise<void> {
    while (!isOver()) await state.ended.promise;
    if (state.failure !== undefined) throw state.failure.error;
  }

  return {
    add: async (group) => {
      if (state.failure !== undefined) throw state.failure.error;
      waiting.push(group);
      state.added += 1;
      state.bytes += group.bytes;
      if (!state.isRunning) {
        state.isRunning = true;
        void run();
      }
      await wait(() => state.bytes <= WAITING_BYTES);
    },
    drained: () => {
      const last = state.added;
      return wait(() => state.over >= last);
    },
  };
}
