interface Waiting<I, O> {
  readonly item: I;
  readonly resolve: (result: O) => void;
  readonly reject: (error: unknown) => void;
}

/** Calls of many requests, carried out together. */
export interface Batches<I, O> {
  /** The result of this item; rejects with what `run` throws for its batch. */
  readonly add: (item: I) => Promise<O>;
  /** Items that wait or are at work. */
  readonly size: () => number;
}

export interface BatchOptions<I, O> {
  /** Most items of one batch. */
  readonly maximum: number;
  /** One result per item, in their order. Never called again before it has settled. */
  readonly run: (items: readonly I[]) => Promise<readonly O[]>;
}

/**
 * One batch is on its way while the next one fills, so batches grow with the load and an idle door
 * waits for nothing: no timer, only the end of the event loop's turn in which the first item came,
 * which gathers what arrived on other connections in the same turn.
 */
export function createBatches<I, O>(options: BatchOptions<I, O>): Batches<I, O> {
  let waiting: Waiting<I, O>[] = [];
  let atWork = 0;
  let scheduled = false;

  async function flush(): Promise<void> {
    const batch = waiting.length <= options.maximum ? waiting : waiting.slice(0, options.maximum);
    waiting = waiting.slice(batch.length);
    atWork = batch.length;
    try {
      const results = await options.run(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) {
        // One result per item is the contract of `run`.
        resolve(results[index] as O);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    atWork = 0;
    scheduled = false;
    schedule();
  }

  function schedule(): void {
    if (scheduled || waiting.length === 0) return;
    scheduled = true;
    setImmediate(() => void flush());
  }

  return {
    add: (item) =>
      new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        schedule();
      }),
    size: () => waiting.length + atWork,
  };
}
