import type { ByteLog } from './port.ts';

interface Segment {
  readonly bytes: Buffer;
  /** Where the next piece goes. */
  end: number;
  live: number;
  /** Places that were put here; some have moved, or stand elsewhere under the same number. */
  places: number[];
}

/** With what the C library writes in front of it, whole pages of memory. */
const SEGMENT_BYTES = (64 << 10) - 64;
const LIVE_SHARE = 0.9;
const SPARE_SEGMENTS = 2;
const MOVED_PER_CALL = 4;
/** Longer pieces have a segment of their own, so that what is left at the end of one is little. */
const OWN_SHARE = 1 / 8;

/** Where pieces without bytes stand. */
const NOWHERE: Segment = { bytes: Buffer.alloc(0), end: 0, live: 0, places: [] };

/**
 * Many pieces of bytes that live long, one after another in segments of 64 KiB, told by numbers: as objects of
 * their own they would cost 200 bytes each, and the memory between them stays with the process when others go.
 *
 * What was written is never overwritten. A segment in which nothing lives is let go; while less than 90 % of all
 * segments lives, those in which least lives are written anew behind the others, at most four each time that a place is given up.
 */
export function createByteLog(segmentBytes: number = SEGMENT_BYTES): ByteLog {
  const segments = new Set<Segment>();
  let open: Segment | undefined;
  // By place; a list each, because an object per place is what this is to save.
  const segmentOf: (Segment | undefined)[] = [];
  const startOf: number[] = [];
  const lengthOf: number[] = [];
  const unused: number[] = [];
  let live = 0;
  let held = 0;

  function added(length: number): Segment {
    const bytes = Buffer.allocUnsafeSlow(length);
    const segment: Segment = { bytes, end: 0, live: 0, places: [] };
    segments.add(segment);
    held += length;
    return segment;
  }

  function segmentFor(length: number): Segment {
    if (length === 0) return NOWHERE;
    if (length > segmentBytes * OWN_SHARE) return added(length);
    if (open !== undefined && open.end + length <= segmentBytes) return open;
    const before = open;
    open = added(segmentBytes);
    if (before?.live === 0) drop(before);
    return open;
  }

  function drop(segment: Segment): void {
    if (segment === open || !segments.delete(segment)) return;
    held -= segment.bytes.length;
  }

  function write(place: number, bytes: Uint8Array): void {
    const segment = segmentFor(bytes.length);
    segment.bytes.set(bytes, segment.end);
    segmentOf[place] = segment;
    startOf[place] = segment.end;
    lengthOf[place] = bytes.length;
    if (segment === NOWHERE) return;
    segment.places.push(place);
    segment.end += bytes.length;
    segment.live += bytes.length;
  }

  function get(place: number): Uint8Array {
    const segment = segmentOf[place];
    const start = startOf[place] ?? 0;
    if (segment === undefined) throw new RangeError(`nothing stands at place ${place}`);
    return segment.bytes.subarray(start, start + (lengthOf[place] ?? 0));
  }

  function emptiest(): Segment | undefined {
    let found: Segment | undefined;
    let least = Infinity;
    for (const segment of segments) {
      const share = segment.live / segment.bytes.length;
      if (segment === open || share >= least) continue;
      found = segment;
      least = share;
    }
    return found;
  }

  function compact(): void {
    for (let moved = 0; moved < MOVED_PER_CALL; moved += 1) {
      if (held * LIVE_SHARE <= live + SPARE_SEGMENTS * segmentBytes * LIVE_SHARE) return;
      const segment = emptiest();
      if (segment === undefined) return;
      for (const place of segment.places) {
        if (segmentOf[place] === segment) write(place, get(place));
      }
      segment.places = [];
      drop(segment);
    }
  }

  return {
    put: (bytes) => {
      const place = unused.pop() ?? segmentOf.length;
      write(place, bytes);
      live += bytes.length;
      return place;
    },
    get,
    free: (place) => {
      const segment = segmentOf[place];
      if (segment === undefined) throw new RangeError(`nothing stands at place ${place}`);
      const length = lengthOf[place] ?? 0;
      segmentOf[place] = undefined;
      unused.push(place);
      live -= length;
      segment.live -= length;
      if (segment.live === 0) drop(segment);
      compact();
    },
    live: () => live,
    held: () => held,
  };
}
