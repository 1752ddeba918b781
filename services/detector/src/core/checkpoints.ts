import { ByteReader, ByteWriter } from './bytes.ts';
import { CHUNK_SLOTS } from './chunk.ts';
import type { Closed, FoldState } from './fold.ts';
import type { Pages } from './pages.ts';
import { RULES } from './rule-list.ts';
import type { Rules } from './rules.ts';
import { readClosed, readPacked, writeClosed, writePacked } from './state-codec.ts';
import { shiftedState, shiftsBetween, type Shifts } from './state-shift.ts';

const writer = new ByteWriter();

/** Before the content: fingerprint (u32), slot (i32), bytes of the state (u32), bytes behind it (u32). */
const HEADER_BYTES = 16;

/** Checkpoints within chunks are kept for so many chunks behind the newest. */
const FINE_CHUNKS = 4;

/** Cuts of one rule in a chunk that a byte can count. */
const MAX_COUNT = 255;

/** Where a chunk begins: the state before its first fix, and what the chunk before it closed. */
export interface Checkpoint {
  readonly state: FoldState;
  readonly closedBefore: Closed;
}

/** A state within a chunk: before the first fix of a slot. */
export interface Midway {
  readonly slot: number;
  readonly state: FoldState;
  /** How many cuts of each rule the chunk closed before. */
  readonly counts: readonly number[];
}

interface Entry {
  /** Of the rules that the state was folded with. */
  readonly word: number;
  readonly slot: number;
  readonly state: Uint8Array;
  /** Packed, what the chunk before closed; within a chunk one byte per rule: how many it closed itself. */
  readonly closed: Uint8Array;
}

const words = new WeakMap<Rules, number>();

/** A number that other rules, and other code of them, hardly share: their checkpoints are not used. */
function wordOf(rules: Rules): number {
  let word = words.get(rules);
  if (word !== undefined) return word;
  const code = RULES.map(({ name, version }) => `${name}/${version}`).join();
  const text = `${rules.fingerprint} ${rules.unit.fingerprint} ${code}`;
  word = 0x811c_9dc5;
  for (let i = 0; i < text.length; i += 1) {
    word = Math.imul(word ^ text.charCodeAt(i), 0x0100_0193);
  }
  word >>>= 0;
  words.set(rules, word);
  return word;
}

function packed(state: FoldState): Uint8Array {
  writePacked(writer, state);
  return writer.finish();
}

function packedClosed(closed: Closed): Uint8Array {
  writeClosed(writer, closed);
  return writer.finish();
}

function writeEntry({ word, slot, state, closed }: Entry): void {
  writer.u32(word);
  writer.i32(slot);
  writer.u32(state.length);
  writer.u32(closed.length);
  writer.append(state);
  writer.append(closed);
}

function isMidway({ slot }: Pick<Entry, 'slot'>): boolean {
  return slot % CHUNK_SLOTS !== 0;
}

/** Entries within a chunk, from its n-th slot on. */
function within(index: number, from: number): (entry: Entry) => boolean {
  const slot = index * CHUNK_SLOTS;
  const first = slot + Math.max(1, from);
  return (entry) => entry.slot >= first && entry.slot < slot + CHUNK_SLOTS;
}

function entriesOf(all: Uint8Array): Entry[] {
  const entries: Entry[] = [];
  const view = new DataView(all.buffer, all.byteOffset, all.byteLength);
  for (let at = 0; at < all.length;) {
    const stateAt = at + HEADER_BYTES;
    const closedAt = stateAt + view.getUint32(at + 8);
    const end = closedAt + view.getUint32(at + 12);
    entries.push({
      word: view.getUint32(at),
      slot: view.getInt32(at + 4),
      state: all.subarray(stateAt, closedAt),
      closed: all.subarray(closedAt, end),
    });
    at = end;
  }
  return entries;
}

/**
 * The states between the chunks of one unit, and within the newest of them, packed: a late fix is folded from
 * the nearest one. They can be computed again from the fixes, and are kept so that neither a late fix nor a
 * restart has to. What is put waits for `flush`: pages may change only while records are handled.
 */
export class Checkpoints {
  readonly #pages: Pages;
  /** All entries by slot, once one of them changed; views of pages end with the call, so these are copies. */
  #waiting: Entry[] | undefined;
  /** Until then, entries to be put behind those of the pages. */
  #added: Entry[] = [];
  /** Slot of the newest entry. */
  #newest: number;

  constructor(pages: Pages) {
    this.#pages = pages;
    this.#newest = this.#read().at(-1)?.slot ?? -Infinity;
  }

  /** Good until the next change of the pages. */
  #read(): readonly Entry[] {
    return (
      this.#waiting ?? [...entriesOf(this.#pages.read(0, this.#pages.length())), ...this.#added]
    );
  }

  #own(): Entry[] {
    if (this.#waiting !== undefined) return this.#waiting;
    const all = this.#pages.read(0, this.#pages.length()).slice();
    this.#waiting = [...entriesOf(all), ...this.#added];
    this.#added = [];
    return this.#waiting;
  }

  /** Puts an entry in the place of what stood there, which is returned. */
  #put(entry: Entry): Entry | undefined {
    if (entry.slot > this.#newest) {
      this.#newest = entry.slot;
      (this.#waiting ?? this.#added).push(entry);
      return undefined;
    }
    const entries = this.#own();
    let at = entries.length;
    while (at > 0 && (entries[at - 1] as Entry).slot > entry.slot) at -= 1;
    const there = entries[at - 1];
    const isThere = there?.slot === entry.slot;
    entries.splice(isThere ? at - 1 : at, isThere ? 1 : 0, entry);
    return isThere ? there : undefined;
  }

  get(index: number, rules: Rules): Checkpoint | undefined {
    const slot = index * CHUNK_SLOTS;
    const entry = this.#read().find((other) => other.slot === slot);
    if (entry === undefined || entry.word !== wordOf(rules)) return undefined;
    return {
      state: readPacked(new ByteReader(entry.state)),
      closedBefore: readClosed(new ByteReader(entry.closed)),
    };
  }

  /** What the chunk before closed, packed; good until the next change. Undefined without a checkpoint. */
  closedBefore(index: number): Uint8Array | undefined {
    const slot = index * CHUNK_SLOTS;
    return this.#read().find((other) => other.slot === slot)?.closed;
  }

  /** The newest state within a chunk that no fix from that slot on has part in. */
  midway(index: number, slot: number, rules: Rules): Midway | undefined {
    const entry = this.#read().findLast((other) => other.slot <= slot);
    if (entry === undefined || entry.slot <= index * CHUNK_SLOTS || entry.word !== wordOf(rules)) {
      return undefined;
    }
    const state = readPacked(new ByteReader(entry.state));
    return { slot: entry.slot, state, counts: [...entry.closed] };
  }

  /**
   * Puts the checkpoint of a chunk in the place of what stood there. Returns how what follows differs from
   * what followed that; undefined when there was none or it has to be folded again.
   */
  put(index: number, { state, closedBefore }: Checkpoint, rules: Rules): Shifts | undefined {
    const word = wordOf(rules);
    const slot = index * CHUNK_SLOTS;
    const entry = { word, slot, state: packed(state), closed: packedClosed(closedBefore) };
    const there = this.#put(entry);
    if (there === undefined) this.#keepFine(slot - FINE_CHUNKS * CHUNK_SLOTS);
    return there?.word === word ? shiftsBetween(entry.state, there.state) : undefined;
  }

  putMidway({ slot, state, counts }: Midway, rules: Rules): void {
    const isOld = slot <= this.#newest - FINE_CHUNKS * CHUNK_SLOTS;
    if (isOld || counts.some((count) => count > MAX_COUNT)) {
      // What stood there does not hold any more.
      this.#keep((entry) => entry.slot !== slot);
      return;
    }
    const closed = Uint8Array.from(counts);
    this.#put({ word: wordOf(rules), slot, state: packed(state), closed });
  }

  #keepFine(from: number): void {
    this.#keep((entry) => entry.slot >= from || !isMidway(entry));
  }

  /** Forgets what lies within a chunk, from its n-th slot on. */
  forgetMidway(index: number, from: number): void {
    const isWithin = within(index, from);
    this.#keep((entry) => !isWithin(entry));
  }

  /** Moves the sums of what lies within a chunk, from its n-th slot on. */
  shiftMidway(index: number, from: number, shifts: Shifts): void {
    const isWithin = within(index, from);
    const entries = this.#own();
    for (let at = 0; at < entries.length; at += 1) {
      const entry = entries[at] as Entry;
      if (!isWithin(entry)) continue;
      const state = shiftedState(entry.state, shifts);
      if (state !== undefined) entries[at] = { ...entry, state };
    }
  }

  /**
   * Moves the sums of a chunk's checkpoint; `closedBefore` is given when it changed. False when nothing that
   * moves is open in it, undefined when there is none.
   */
  shift(index: number, shifts: Shifts, closedBefore: Closed | undefined): boolean | undefined {
    const entries = this.#own();
    const at = entries.findIndex((other) => other.slot === index * CHUNK_SLOTS);
    const there = entries[at];
    if (there === undefined) return undefined;
    const state = shiftedState(there.state, shifts);
    const closed = closedBefore === undefined ? there.closed : packedClosed(closedBefore);
    entries[at] = { ...there, state: state ?? there.state, closed };
    return state !== undefined;
  }

  #keep(isKept: (entry: Entry) => boolean): void {
    if (this.#read().every(isKept)) return;
    this.#waiting = this.#own().filter(isKept);
    this.#newest = this.#waiting.at(-1)?.slot ?? -Infinity;
  }

  /** Forgets the checkpoints of the chunks that are not named, and all within these. */
  keep(isKept: (index: number) => boolean): void {
    this.#keep(({ slot }) => isKept(Math.floor(slot / CHUNK_SLOTS)));
  }

  /** Writes what waits. */
  flush(): void {
    if (this.#waiting === undefined) {
      for (const entry of this.#added) {
        writeEntry(entry);
        this.#pages.append(writer.take());
      }
    } else {
      for (const entry of this.#waiting) writeEntry(entry);
      this.#pages.set(writer.take());
      this.#waiting = undefined;
    }
    this.#added = [];
  }
}
