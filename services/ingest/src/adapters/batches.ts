interface Batch<I, R> {
  readonly items: I[];
  readonly outcome: PromiseWithResolvers<R>;
}

/** Calls of many requests, carried out together. */
export interface Batches<I, R> {
  /** What came of the item's batch: one promise for all of it. Rejects with what `run` throws. */
  readonly add: (item: I) => Promise<R>;
  /** Items that wait or are at work. */
  readonly size: () => number;
}

export interface BatchOptions<I, R> {
  /** Most items of one batch. */
  readonly maximum: number;
  /** Never called again before it and what `ended` gives have settled. */
  readonly run: (items: readonly I[]) => Promise<R>;
  /** What must be over before the next batch goes, though the items know already; default: nothing. */
  readonly ended?: (result: R) => Promise<unknown>;
}

/**
 * One batch is on its way while the next one fills, so batches grow with the load and an idle door
 * waits for nothing: no timer, only the end of the event loop's turn in which the first item came,
 * which gathers what arrived on other connections in the same turn.
 */
export function createBatches<I, R>(options: BatchOptions<I, R>): Batches<I, R> {
  const { maximum, run, ended } = options;
  const waiting: Batch<I, R>[] = [];
  let size = 0;
  let scheduled = false;

  async function flush(): Promise<void> {
    const batch = waiting.shift();
    if (batch !== undefined) {
      const { items, outcome } = batch;
      try {
        const result = await run(items);
        outcome.resolve(result);
        // Whoever needs to know that it failed has the result.
        await ended?.(result).catch(() => undefined);
      } catch (error) {
        outcome.reject(error);
      }
      size -= items.length;
    }
    scheduled = false;
    schedule();
  }

  function schedule(): void {
    if (scheduled || waiting.length === 0) return;
    scheduled = true;
    setImmediate(() => void flush());
  }

  return {
    add: (item) => {
      let last = waiting.at(-1);
      if (last === undefined || last.items.length >= maximum) {
        last = { items: [], outcome: Promise.withResolvers() };
        waiting.push(last);
      }
      last.items.push(item);
      size += 1;
      schedule();
      return last.outcome.promise;
    },
    size: () => size,
  };
}
