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
  readonly positions: () => readonly Position[];
  /** True when every partition that is not paused was fetched at least once. */
  readonly reading: () => boolean;
  /** A partition with records ahead that did not move for `ms`. */
  readonly stuckFor: (ms: number) => Place | undefined;
}

export function createPlaces(metrics: StreamMetrics): Places {
  let places = new Map<string, Place>();
  const find = (wire: string, partition: number): Place | undefined =>
    places.get(`${wire}/${partition}`);

  function move(place: Place, next: bigint): void {
    if (place.next !== next) place.movedAt = performance.now();
    place.next = next;
  }

  return {
    assign: (assigned) => {
      const before = places;
      const movedAt = performance.now();
      places = new Map();
      for (const { wire, topic, partition } of assigned) {
        const key = `${wire}/${partition}`;
        const fresh = { topic, partition, next: undefined, end: undefined, paused: false };
        places.set(key, { ...(before.get(key) ?? fresh), movedAt });
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
        move(place, next);
        metrics.lag(place.topic.name, place.partition, Number(end - next));
      }
    },
    move,
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
