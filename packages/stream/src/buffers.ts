import { streamFault } from './errors.ts';
import { createPages, PAGE_BYTES } from './pages.ts';
import type { KeyedBuffers } from './port.ts';

/**
 * Bytes of one key: those of its pages one after another, from `start` in the first one. Immutable: a
 * change makes another entry. All pages but the last are full; what lies behind the end of the last one is
 * free to be written, everything before is never written again.
 */
interface Entry {
  readonly pages: readonly number[];
  readonly start: number;
  readonly size: number;
}

/** What the buffers held at one moment. */
export interface FrozenBuffers {
  /** Key, bytes in all, and the pieces they stand in; views that hold until `release`. */
  readonly entries: () => IterableIterator<readonly [string, number, readonly Uint8Array[]]>;
  readonly release: () => void;
}

/**
 * The buffers of one task. `undo` remembers the entry of each changed key as of the last promote, `taken`
 * the pages that were taken since. promote: both are forgotten, pages that no entry has any more are given
 * back. drop: the entries of `undo` stand again, the taken pages are given back. A page that may be frozen is
 * not given back before the release, so that nobody writes into it; `young` pages were taken after the
 * freezing, so however long a snapshot takes, it holds back no more than was frozen.
 */
export interface StagedBuffers extends KeyedBuffers {
  readonly promote: () => void;
  readonly drop: () => void;
  /** Changes are taken only while open: inside `handle` and `rebuild`. */
  readonly open: (isOpen: boolean) => void;
  /** Puts bytes that nobody staged; for a key that has none. */
  readonly restore: (key: string, bytes: Uint8Array) => void;
  /** Holds on to what is promoted now; call without staged changes. */
  readonly freeze: () => FrozenBuffers;
  /** Bytes of the pages that were taken since the last promote and are in use. */
  readonly uncommitted: () => number;
  /** Bytes of the pages in use: at most two pages per key more than `size`. */
  readonly held: () => number;
  /** Bytes of the memory behind the pages: after a promote at most a thirty-first and 768 KiB more than `held`. */
  readonly reserved: () => number;
}

const EMPTY: Entry = { pages: [], start: 0, size: 0 };
const NOTHING = new Uint8Array(0);

export function createBuffers(): StagedBuffers {
  const entries = new Map<string, Entry>();
  const undo = new Map<string, Entry | undefined>();
  const pages = createPages();
  const taken = new Set<number>();
  const young = new Set<number>();
  /** Given up while something is frozen. */
  let waiting: number[] = [];
  let frozen = 0;
  let size = 0;
  let isOpen = false;

  function put(key: string, after: Entry | undefined): void {
    size += (after?.size ?? 0) - (entries.get(key)?.size ?? 0);
    if (after === undefined || after.size === 0) entries.delete(key);
    else entries.set(key, after);
  }

  function stage(key: string, change: (entry: Entry) => Entry): void {
    if (!isOpen) {
      throw streamFault(
        'BUFFER_MISUSED',
        'decide',
        `buffer ${key} may change in handle and rebuild only: what else changed it would be lost`,
      );
    }
    const before = entries.get(key);
    if (!undo.has(key)) undo.set(key, before);
    const after = change(before ?? EMPTY);
    put(key, after);
    if (before !== undefined && before.pages !== after.pages) discard(before.pages, after.pages);
  }

  /** Pages that this transaction took and does not need any more: nothing would come back to them. */
  function discard(before: readonly number[], after: readonly number[]): void {
    for (const page of before) {
      if (after.includes(page) || !taken.delete(page)) continue;
      if (frozen > 0) young.delete(page);
      pages.give(page);
    }
  }

  function take(): number {
    const page = pages.take();
    taken.add(page);
    if (frozen > 0) young.add(page);
    return page;
  }

  /** Writes bytes at `end`, the end of the pages in `list`; adds pages to it when the last one is full. */
  function write(list: number[], end: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      if (end + done === list.length * PAGE_BYTES) list.push(take());
      const at = (end + done) % PAGE_BYTES;
      const part = bytes.subarray(done, done + PAGE_BYTES - at);
      pages.write(list.at(-1) ?? 0, at, part);
      done += part.length;
    }
  }

  function appended({ pages: before, start, size: length }: Entry, bytes: Uint8Array): Entry {
    const end = start + length;
    const fits = end + bytes.length <= before.length * PAGE_BYTES;
    // A list that stays is the same one: no copy, and promote has nothing to look for.
    const list = fits ? before : [...before];
    write(list as number[], end, bytes);
    return { pages: list, start, size: length + bytes.length };
  }

  /** The pieces of a range, one per page. */
  function pieces({ pages: list, start }: Entry, from: number, to: number): readonly Uint8Array[] {
    const found: Uint8Array[] = [];
    for (let at = start + from; at < start + to;) {
      const index = Math.floor(at / PAGE_BYTES);
      const first = at - index * PAGE_BYTES;
      const last = Math.min(PAGE_BYTES, start + to - index * PAGE_BYTES);
      found.push(pages.view(list[index] ?? 0, first, last));
      at += last - first;
    }
    return found;
  }

  function read(key: string, from: number, to: number): Uint8Array {
    const entry = entries.get(key) ?? EMPTY;
    const last = Math.min(to, entry.size);
    const found = pieces(entry, Math.max(0, from), last);
    return found.length < 2 ? (found[0] ?? NOTHING) : Buffer.concat(found);
  }

  /** Everything from the page of `at` on is written anew, so that pages stay full. */
  function inserted(entry: Entry, at: number, bytes: Uint8Array): Entry {
    const { pages: list, start, size: length } = entry;
    if (at < 0 || at > length) throw new RangeError(`expected 0 to ${length}, found ${at}`);
    if (at === length) return appended(entry, bytes);
    const index = Math.floor((start + at) / PAGE_BYTES);
    const kept = index * PAGE_BYTES;
    const made = list.slice(0, index);
    let end = kept;
    for (const part of [
      ...pieces(entry, Math.max(0, kept - start), at),
      bytes,
      ...pieces(entry, at, length),
    ]) {
      write(made, end, part);
      end += part.length;
    }
    return { pages: made, start: index === 0 ? 0 : start, size: length + bytes.length };
  }

  function giveBack(given: Iterable<number>): void {
    for (const page of given) {
      if (frozen === 0 || young.delete(page)) pages.give(page);
      else waiting.push(page);
    }
  }

  function promote(): void {
    const live = new Set<number>();
    const candidates = new Set(taken);
    for (const [key, before] of undo) {
      const now = entries.get(key)?.pages;
      if (before?.pages === now) continue;
      for (const page of before?.pages ?? []) candidates.add(page);
      for (const page of now ?? []) live.add(page);
    }
    giveBack([...candidates].filter((page) => !live.has(page)));
    taken.clear();
    undo.clear();
    if (frozen === 0) pages.shrink(exchange);
  }

  function exchange(moved: (list: readonly number[]) => readonly number[]): void {
    for (const [key, entry] of entries) {
      const list = moved(entry.pages);
      if (list !== entry.pages) entries.set(key, { ...entry, pages: list });
    }
  }

  function freeze(): FrozenBuffers {
    const held = [...entries];
    frozen += 1;
    young.clear();
    return {
      *entries() {
        for (const [key, entry] of held) {
          yield [key, entry.size, pieces(entry, 0, entry.size)] as const;
        }
      },
      release: () => {
        frozen -= 1;
        if (frozen > 0) return;
        giveBack(waiting);
        waiting = [];
        young.clear();
      },
    };
  }

  return {
    length: (key) => entries.get(key)?.size ?? 0,
    get: (key) => read(key, 0, Infinity),
    read,
    append: (key, bytes) => {
      if (bytes.length > 0) stage(key, (entry) => appended(entry, bytes));
    },
    insert: (key, at, bytes) => {
      if (bytes.length > 0) stage(key, (entry) => inserted(entry, at, bytes));
    },
    set: (key, bytes) => stage(key, () => appended(EMPTY, bytes)),
    dropFront: (key, count) => {
      if (count <= 0 || !entries.has(key)) return;
      stage(key, (entry) => {
        if (count >= entry.size) return EMPTY;
        const start = entry.start + count;
        const gone = Math.floor(start / PAGE_BYTES);
        return {
          pages: gone === 0 ? entry.pages : entry.pages.slice(gone),
          start: start - gone * PAGE_BYTES,
          size: entry.size - count,
        };
      });
    },
    delete: (key) => {
      if (entries.has(key)) stage(key, () => EMPTY);
    },
    keys: () => entries.keys(),
    size: () => size,
    promote,
    drop: () => {
      for (const [key, before] of undo) put(key, before);
      undo.clear();
      giveBack(taken);
      taken.clear();
    },
    open: (wanted) => {
      isOpen = wanted;
    },
    restore: (key, bytes) => {
      put(key, appended(EMPTY, bytes));
      taken.clear();
    },
    freeze,
    uncommitted: () => taken.size * PAGE_BYTES,
    held: () => pages.used() * PAGE_BYTES,
    reserved: pages.reserved,
  };
}
