interface Batch<I, R> {
  readonly items: I[];
  weight: number;
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
  /** Most weight of one batch, whose first item always fits; default: items weigh nothing. */
  readonly weight?: { readonly of: (item: I) => number; readonly maximum: number };
  /** Not called again before it has settled, except for batches of `beside` items. */
  readonly run: (items: readonly I[]) => Promise<R>;
  /** What must be over before the next batch goes, though the items know already; default: nothing. */
  readonly ended?: (result: R) => Promise<unknown>;
  /**
   * So many waiting items, and no fewer than the batch before had, do not wait for its end; default: they always
   * do.
   */
  readonly ahead?: number;
  /**
   * So many waiting items begin while the turn in which they came goes on, when nothing is at work; else with what comes
   * until its end, beside one batch that is at work; default: no batch does.
   */
  readonly beside?: number;
  /**
   * A batch of fewer than `enough` items begins no sooner than so many ms after the one before began; default: it
   * does not wait. What comes after a silence never waits.
   */
  readonly spacing?: { readonly ms: number; readonly enough: number };
}

/** Batches whose end is awaited, with the one that went ahead of it. */
const ENDING_MAX = 2;
/** The same where batches begin beside each other, and how many are at work. */
const BESIDE_MAX = { ending: 4, running: 2 };

/**
 * One batch is on its way while the next one fills, so batches grow with the load and an idle door
 * waits for nothing but the end of the event loop's turn in which the first item came, which gathers what
 * arrived on other connections in the same turn.
 */
export function createBatches<I, R>(options: BatchOptions<I, R>): Batches<I, R> {
  const { maximum, weight, run, ended, spacing } = options;
  const { ahead = Number.POSITIVE_INFINITY, beside = Number.POSITIVE_INFINITY } = options;
  const waiting: Batch<I, R>[] = [];
  let size = 0;
  let ending = 0;
  /** Items of the last batch: going ahead must not make batches small. */
  let last = 0;
  let running = 0;
  let scheduled = false;
  /** While the last batch began less than the spacing ago. */
  let resting: NodeJS.Timeout | undefined;

  /** Restarts the spacing. */
  function rest({ ms }: { readonly ms: number }): void {
    clearTimeout(resting);
    resting = setTimeout(() => {
      resting = undefined;
      schedule();
    }, ms);
  }

  async function flush(): Promise<void> {
    const batch = waiting.shift();
    if (batch === undefined) return;
    const { items, outcome } = batch;
    running += 1;
    last = items.length;
    if (spacing !== undefined) rest(spacing);
    let end: Promise<unknown> | undefined;
    try {
      const result = await run(items);
      outcome.resolve(result);
      end = ended?.(result);
    } catch (error) {
      outcome.reject(error);
    }
    running -= 1;
    if (end === undefined) size -= items.length;
    else {
      ending += 1;
      const over = (): void => {
        ending -= 1;
        size -= items.length;
        schedule();
      };
      // Whoever needs to know that it failed has the result.
      end.then(over, over);
    }
    schedule();
  }

  /** Whether the next batch may begin. */
  function isDue(count: number): boolean {
    if (count === 0) return false;
    if (count >= beside) return running < BESIDE_MAX.running && ending < BESIDE_MAX.ending;
    if (running > 0 || ending >= ENDING_MAX) return false;
    if (resting !== undefined && count < (spacing?.enough ?? 0)) return false;
    return ending === 0 || count >= Math.max(ahead, last);
  }

  function schedule(): void {
    const count = waiting[0]?.items.length ?? 0;
    if (!isDue(count)) return;
    if (running === 0 && count >= beside) {
      void flush();
      return;
    }
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      if (isDue(waiting[0]?.items.length ?? 0)) void flush();
    });
  }

  const isFull = (batch: Batch<I, R>, more: number): boolean =>
    batch.items.length >= maximum || (weight !== undefined && batch.weight + more > weight.maximum);

  return {
    add: (item) => {
      const own = weight?.of(item) ?? 0;
      let open = waiting.at(-1);
      if (open === undefined || isFull(open, own)) {
        open = { items: [], weight: 0, outcome: Promise.withResolvers() };
        waiting.push(open);
      }
      open.items.push(item);
      open.weight += own;
      size += 1;
      schedule();
      return open.outcome.promise;
    },
    size: () => size,
  };
}
