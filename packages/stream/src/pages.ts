/**
 * Pages of 2 KiB out of slabs of 1 MiB, given out and taken back by hand: bytes that come and go all day
 * long leave nothing to the garbage collector, and equal pages cannot fragment. Slabs are never returned.
 */
export interface Pages {
  readonly take: () => number;
  readonly give: (page: number) => void;
  /** The bytes of a page. */
  readonly bytes: (page: number) => Buffer;
  /** Pages that are given out. */
  readonly used: () => number;
}

export const PAGE_BYTES = 2_048;
const SLAB_PAGES = 512;

export function createPages(): Pages {
  const slabs: Buffer[] = [];
  const free: number[] = [];
  let fresh = 0;
  return {
    take: () => {
      const known = free.pop();
      if (known !== undefined) return known;
      if (fresh === slabs.length * SLAB_PAGES) {
        slabs.push(Buffer.allocUnsafeSlow(SLAB_PAGES * PAGE_BYTES));
      }
      fresh += 1;
      return fresh - 1;
    },
    give: (page) => {
      free.push(page);
    },
    bytes: (page) => {
      const slab = slabs[Math.floor(page / SLAB_PAGES)];
      if (slab === undefined) throw new RangeError(`there is no page ${page}`);
      const at = (page % SLAB_PAGES) * PAGE_BYTES;
      return slab.subarray(at, at + PAGE_BYTES);
    },
    used: () => fresh - free.length,
  };
}
