/**
 * Pages of 1 KiB out of slabs of 256 KiB, given out and taken back by hand: bytes that come and go all day
 * long leave nothing to the garbage collector, and equal pages cannot fragment. What a burst needed is
 * returned by `shrink`.
 */
export interface Pages {
  readonly take: () => number;
  readonly give: (page: number) => void;
  /** The bytes of a page from `from` to `to`, exclusive. */
  readonly view: (page: number, from: number, to: number) => Buffer;
  /** Writes into a page. */
  readonly write: (page: number, at: number, bytes: Uint8Array) => void;
  /** Pages that are given out. */
  readonly used: () => number;
  /** Bytes of all slabs. */
  readonly reserved: () => number;
  /**
   * Returns slabs when more than a thirty-second of them, and two, is free. `visit` is called then and must exchange all
   * lists of pages that are in use for what `moved` makes of them: the same list when none of it moves.
   * Views of moved pages keep their bytes.
   */
  readonly shrink: (
    visit: (moved: (pages: readonly number[]) => readonly number[]) => void,
  ) => void;
}

export const PAGE_BYTES = 1_024;
const SLAB_PAGES = 256;
const SPARE_SLABS = 2;
const SPARE_SHARE = 1 / 32;

export function createPages(): Pages {
  const slabs: Buffer[] = [];
  let free: number[] = [];
  let fresh = 0;

  function slabOf(page: number): Buffer {
    const slab = slabs[Math.floor(page / SLAB_PAGES)];
    if (slab === undefined) throw new RangeError(`there is no page ${page}`);
    return slab;
  }

  const startOf = (page: number): number => (page % SLAB_PAGES) * PAGE_BYTES;

  function view(page: number, from: number, to: number): Buffer {
    const start = startOf(page);
    return slabOf(page).subarray(start + from, start + to);
  }

  function write(page: number, at: number, bytes: Uint8Array): void {
    slabOf(page).set(bytes, startOf(page) + at);
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
    view,
    write,
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
        write(place, 0, view(page, 0, PAGE_BYTES));
        return place;
      };
      visit((pages) => (pages.some((page) => page >= end) ? pages.map(move) : pages));
      slabs.length = kept;
      fresh = Math.min(fresh, end);
    },
  };
}
