/**
 * Pages of 2 KiB out of slabs of 1 MiB, given out and taken back by hand: bytes that come and go all day
 * long leave nothing to the garbage collector, and equal pages cannot fragment. What a burst needed is
 * returned by `shrink`.
 */
export interface Pages {
  readonly take: () => number;
  readonly give: (page: number) => void;
  /** The bytes of a page. */
  readonly bytes: (page: number) => Buffer;
  /** Pages that are given out. */
  readonly used: () => number;
  /** Bytes of all slabs. */
  readonly reserved: () => number;
  /**
   * Returns slabs when more than a sixteenth of them is free. `visit` is called then and must exchange all
   * lists of pages that are in use for what `moved` makes of them: the same list when none of it moves.
   * Views of moved pages keep their bytes.
   */
  readonly shrink: (
    visit: (moved: (pages: readonly number[]) => readonly number[]) => void,
  ) => void;
}

export const PAGE_BYTES = 2_048;
const SLAB_PAGES = 512;
const SPARE_SLABS = 2;
const SPARE_SHARE = 1 / 16;

export function createPages(): Pages {
  const slabs: Buffer[] = [];
  let free: number[] = [];
  let fresh = 0;

  function bytes(page: number): Buffer {
    const slab = slabs[Math.floor(page / SLAB_PAGES)];
    if (slab === undefined) throw new RangeError(`there is no page ${page}`);
    const at = (page % SLAB_PAGES) * PAGE_BYTES;
    return slab.subarray(at, at + PAGE_BYTES);
  }

  function take(): number {
    const known = free.pop();
    if (known !== undefined) return known;
    if (fresh === slabs.length * SLAB_PAGES) {
      slabs.push(Buffer.allocUnsafeSlow(SLAB_PAGES * PAGE_BYTES));
    }
    fresh += 1;
    return fresh - 1;
  }

  const used = (): number => fresh - free.length;

  return {
    take,
    give: (page) => {
      free.push(page);
    },
    bytes,
    used,
    reserved: () => slabs.length * SLAB_PAGES * PAGE_BYTES,
    shrink: (visit) => {
      const kept = Math.ceil(used() / SLAB_PAGES) + SPARE_SLABS;
      if (slabs.length - kept <= slabs.length * SPARE_SHARE) return;
      const end = kept * SLAB_PAGES;
      free = free.filter((page) => page < end);
      const move = (page: number): number => {
        if (page < end) return page;
        const place = take();
        bytes(place).set(bytes(page));
        return place;
      };
      visit((pages) => (pages.some((page) => page >= end) ? pages.map(move) : pages));
      slabs.length = kept;
      fresh = Math.min(fresh, end);
    },
  };
}
