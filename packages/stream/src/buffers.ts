import { streamFault } from './errors.ts';
import type { KeyedBuffers } from './port.ts';

/**
 * Bytes of one key: `block[start, end)`. What lies before `end` is never written again, so every view
 * of it stays as it is; a change that does not fit at the end goes into a new block.
 */
interface Entry {
  readonly block: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/**
 * The buffers of one task. A change replaces the key's entry; `undo` remembers the entry as of the last
 * promote, once per key and transaction. promote: forget `undo`. drop: put it back. Invariant: `held` is
 * the sum of the block sizes.
 */
export interface StagedBuffers extends KeyedBuffers {
  readonly promote: () => void;
  readonly drop: () => void;
  /** Changes are taken only while open: inside `handle` and `rebuild`. */
  readonly open: (isOpen: boolean) => void;
  /** Takes `bytes` over as the content of a key that has none. */
  readonly restore: (key: string, bytes: Uint8Array) => void;
  /** Bytes allocated: at most twice `size`, and 64 for each key. */
  readonly held: () => number;
}

const NOTHING = new Uint8Array(0);
const FIRST_BLOCK_BYTES = 64;
/** A new block has room for a quarter more: an append copies each byte about four times in its life. */
const GROWTH = 1.25;

function allocate(bytes: number): Uint8Array {
  // Never from the shared pool: a view would keep 8 KiB of foreign bytes alive.
  return Buffer.allocUnsafeSlow(bytes);
}

export function createBuffers(): StagedBuffers {
  const entries = new Map<string, Entry>();
  const undo = new Map<string, Entry | undefined>();
  let size = 0;
  let held = 0;
  let isOpen = false;

  function put(key: string, after: Entry | undefined): void {
    const before = entries.get(key);
    if (before !== undefined) {
      size -= before.end - before.start;
      held -= before.block.length;
    }
    if (after === undefined) {
      entries.delete(key);
      return;
    }
    size += after.end - after.start;
    held += after.block.length;
    entries.set(key, after);
  }

  function stage(key: string, after: Entry | undefined): void {
    if (!isOpen) {
      throw streamFault(
        'BUFFER_MISUSED',
        'decide',
        `buffer ${key} may change in handle and rebuild only: what else changed it would be lost`,
      );
    }
    if (!undo.has(key)) undo.set(key, entries.get(key));
    put(key, after);
  }

  /** The live bytes in a block with room for `more`. */
  function grown({ block, start, end }: Entry, more: number): Entry {
    const live = end - start;
    const wanted = Math.ceil((live + more) * GROWTH);
    const larger = allocate(Math.max(FIRST_BLOCK_BYTES, wanted));
    larger.set(block.subarray(start, end));
    return { block: larger, start: 0, end: live };
  }

  return {
    get: (key) => {
      const entry = entries.get(key);
      return entry === undefined ? NOTHING : entry.block.subarray(entry.start, entry.end);
    },
    append: (key, bytes) => {
      if (bytes.length === 0) return;
      const found = entries.get(key) ?? { block: NOTHING, start: 0, end: 0 };
      const fits = found.end + bytes.length <= found.block.length;
      const entry = fits ? found : grown(found, bytes.length);
      if (isOpen) entry.block.set(bytes, entry.end);
      stage(key, { ...entry, end: entry.end + bytes.length });
    },
    set: (key, bytes) => {
      if (bytes.length === 0) stage(key, undefined);
      else {
        const block = allocate(bytes.length);
        block.set(bytes);
        stage(key, { block, start: 0, end: bytes.length });
      }
    },
    dropFront: (key, count) => {
      const entry = entries.get(key);
      if (entry === undefined || count <= 0) return;
      const start = entry.start + count;
      if (start >= entry.end) stage(key, undefined);
      else {
        const rest = { ...entry, start };
        stage(key, (entry.end - start) * 2 < entry.block.length ? grown(rest, 0) : rest);
      }
    },
    delete: (key) => {
      if (entries.has(key)) stage(key, undefined);
    },
    keys: () => entries.keys(),
    size: () => size,
    promote: () => undo.clear(),
    drop: () => {
      for (const [key, before] of undo) put(key, before);
      undo.clear();
    },
    open: (wanted) => {
      isOpen = wanted;
    },
    restore: (key, bytes) => put(key, { block: bytes, start: 0, end: bytes.length }),
    held: () => held,
  };
}
