import type { Topic } from '@waybill/contracts';
import type { FetchedBatch } from './record-batch/fetched-batch.ts';
import type { Position, StreamMetrics } from './port.ts';

/** An assigned partition and how far it is read. */
export interface Place {
  readonly topic: Topic;
  readonly partition: number;
  /** Next offset to read; undefined until the first seek or fetch. */
  next: bigint | undefined;
  /** High watermark as of the last fetch; undefined before the first one. */
  end: bigint | undefined;
  /** True while what was taken out of a fetch is not committed yet: then `next` is behind the fetches. */
  held: boolean;
  /** A stretch that fetches found to hold nothing visible. */
  skipped: { readonly from: bigint; readonly to: bigint } | undefined;
  /** When it moved last, on the monotonic clock, in ms. */
  movedAt: number;
  paused: boolean;
}

/**
 * The positions of one member. They come from what the client asks for in each fetch, not from records:
 * so they pass transaction markers, aborted and compacted records, and lag 0 is reachable.
 */
export interface Places {
  /** Replaces the assignment; returns what was not assigned before. */
  readonly assign: (
    assigned: readonly {
      readonly wire: string;
      readonly topic: Topic;
      readonly partition: number;
    }[],
  ) => readonly { readonly wire: string; readonly partition: number }[];
  readonly find: (wire: string, partition: number) => Place | undefined;
  readonly fetched: (batches: readonly FetchedBatch[]) => void;
  readonly move: (place: Place, next: bigint) => void;
  /** True while anything that was taken is not committed yet. */
  readonly holding: () => boolean;
  readonly positions: () => readonly Position[];
  /** True when every partition that is not paused was fetched at least once. */
  readonly reading: () => boolean;
  /** A partition with records ahead that did not move for `ms`. */
  readonly stuckFor: (ms: number) => Place | undefined;
}

/** Tells a batch how far it reaches back over what fetches before it have skipped. */
function connect(place: Place, batch: FetchedBatch, fetched: bigint): void {
  if (place.skipped?.to === fetched) batch.reaches = place.skipped.from;
  if (!batch.moved) return;
  const { reaches: from, next: to } = batch;
  place.skipped = batch.isEmptyDueToFiltering() ? { from, to } : undefined;
}

/**
 * Whether a batch goes on where `expected` says: *whole*; *lost* when retention deleted what stands between;
 * *no* when the client asked from elsewhere: from too early after a join, from too late when a commit failed
 * and the leader moved meanwhile.
 */
export function goesOn(
  batch: Pick<FetchedBatch, 'fetchedOffset' | 'reaches' | 'low'>,
  expected: bigint,
): 'whole' | 'lost' | 'no' {
  const { fetchedOffset, reaches, low } = batch;
  if (BigInt(fetchedOffset) < expected) return 'no';
  if (reaches <= expected) return 'whole';
  return reaches <= low ? 'lost' : 'no';
}

export function createPlaces(metrics: StreamMetrics): Places {
  let places = new Map<string, Place>();
  const find = (wire: string, partition: number): Place | undefined =>
    places.get(`${wire}/${partition}`);

  function move(place: Place, next: bigint): void {
    if (place.next !== next) place.movedAt = performance.now();
    place.next = next;
    place.held = false;
  }

  return {
    assign: (assigned) => {
      const before = places;
      const movedAt = performance.now();
      places = new Map();
      for (const { wire, topic, partition } of assigned) {
        const key = `${wire}/${partition}`;
        const { next, end, paused = false } = before.get(key) ?? {};
        const fresh = { held: false, skipped: undefined, movedAt };
        places.set(key, { topic, partition, next, end, paused, ...fresh });
      }
      return assigned.filter(({ wire, partition }) => !before.has(`${wire}/${partition}`));
    },
    find,
    fetched: (batches) => {
      for (const batch of batches) {
        const place = find(batch.topic, batch.partition);
        if (place === undefined) continue;
        const end = BigInt(batch.highWatermark);
        const next = BigInt(batch.fetchedOffset);
        place.end = end;
        connect(place, batch, next);
        if (!place.held) move(place, next);
        metrics.lag(place.topic.name, place.partition, Number(end - (place.next ?? next)));
      }
    },
    move,
    holding: () => [...places.values()].some(({ held }) => held),
    positions: () =>
      [...places.values()].flatMap(({ topic, partition, next, end }) =>
        next === undefined || end === undefined
          ? []
          : [{ topic: topic.name, partition, next, lag: end > next ? end - next : 0n }],
      ),
    reading: () => [...places.values()].every((p) => p.paused || p.end !== undefined),
    stuckFor: (ms) =>
      [...places.values()].find(
        ({ paused, next, end, movedAt }) =>
          !paused &&
          (next === undefined || end === undefined || next < end) &&
          performance.now() - movedAt > ms,
      ),
  };
}
