import { ByteReader, ByteWriter } from './bytes.ts';
import type { Closed, FoldState } from './fold.ts';
import type { Pages } from './pages.ts';
import { RULES } from './rule-list.ts';
import type { Rules } from './rules.ts';
import { readClosed, readState, writeClosed, writeState } from './state-codec.ts';
import { shiftedState, shiftsBetween, type Shifts } from './state-shift.ts';

const writer = new ByteWriter();

/** Before the content: fingerprint (u32), index (i32), bytes of content (u32). */
const HEADER_BYTES = 12;

/** Where a chunk begins: the state before its first fix, and what the chunk before it closed. */
export interface Checkpoint {
  readonly state: FoldState;
  readonly closedBefore: Closed;
}

interface Entry {
  /** Of the rules that the state was folded with. */
  readonly word: number;
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** The packed state of an entry: its length (u32) stands before it. */
function stateOf({ bytes }: Entry): Uint8Array {
  return new ByteReader(bytes.subarray(HEADER_BYTES)).bytes();
}

/** An entry of a packed state and what was closed before. */
function entryOf(
  { word, index }: Pick<Entry, 'word' | 'index'>,
  state: Uint8Array,
  closed: Uint8Array,
): Entry {
  writer.u32(word);
  writer.i32(index);
  writer.u32(4 + state.length + closed.length);
  writer.bytes(state);
  writer.append(closed);
  return { word, index, bytes: writer.finish() };
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

/**
 * The states between the chunks of one unit, packed: a late fix is folded from the nearest one. They can
 * be computed again from the fixes, and are kept so that neither a late fix nor a restart has to. What is
 * put waits for `flush`: pages may change only while records are handled.
 */
export class Checkpoints {
  readonly #pages: Pages;
  #waiting: Entry[] | undefined;

  constructor(pages: Pages) {
    this.#pages = pages;
  }

  #read(all: Uint8Array = this.#pages.read(0, this.#pages.length())): Entry[] {
    if (this.#waiting !== undefined) return this.#waiting;
    const entries: Entry[] = [];
    for (let at = 0; at < all.length;) {
      const reader = new ByteReader(all.subarray(at, at + HEADER_BYTES));
      const [word, index] = [reader.u32(), reader.i32()];
      const size = HEADER_BYTES + reader.u32();
      entries.push({ word, index, bytes: all.subarray(at, at + size) });
      at += size;
    }
    return entries;
  }

  /** The entries as they may be changed: views of pages end with the call, so these are copied. */
  #own(): Entry[] {
    this.#waiting ??= this.#read(this.#pages.read(0, this.#pages.length()).slice());
    return this.#waiting;
  }

  get(index: number, rules: Rules): Checkpoint | undefined {
    const entry = this.#read().find((other) => other.index === index);
    if (entry === undefined || entry.word !== wordOf(rules)) return undefined;
    const state = stateOf(entry);
    const reader = new ByteReader(entry.bytes.subarray(HEADER_BYTES + 4 + state.length));
    return {
      state: readState(new ByteReader(state)),
      closedBefore: readClosed(reader),
    };
  }

  /**
   * Puts the checkpoint of a chunk in the place of what stood there. Returns how what follows differs from
   * what followed that; undefined when there was none or it has to be folded again.
   */
  put(index: number, { state, closedBefore }: Checkpoint, rules: Rules): Shifts | undefined {
    const word = wordOf(rules);
    writeState(writer, state);
    const packed = writer.finish();
    writeClosed(writer, closedBefore);
    const entry = entryOf({ word, index }, packed, writer.finish());
    const entries = this.#own();
    let at = entries.length;
    while (at > 0 && (entries[at - 1] as Entry).index > index) at -= 1;
    const there = entries[at - 1];
    const isThere = there?.index === index;
    entries.splice(isThere ? at - 1 : at, isThere ? 1 : 0, entry);
    if (!isThere || there.word !== word) return undefined;
    return shiftsBetween(packed, stateOf(there));
  }

  /**
   * Moves the sums of a chunk's checkpoint; `closedBefore` is given when it changed. False when nothing that
   * moves is open in it, undefined when there is none.
   */
  shift(index: number, shifts: Shifts, closedBefore: Closed | undefined): boolean | undefined {
    const entries = this.#own();
    const at = entries.findIndex((other) => other.index === index);
    const there = entries[at];
    if (there === undefined) return undefined;
    const old = stateOf(there);
    const moved = shiftedState(old, shifts);
    if (moved === undefined && closedBefore === undefined) return false;
    if (closedBefore !== undefined) writeClosed(writer, closedBefore);
    else writer.append(there.bytes.subarray(HEADER_BYTES + 4 + old.length));
    entries[at] = entryOf(there, moved ?? old, writer.finish());
    return moved !== undefined;
  }

  /** Forgets the checkpoints of the chunks that are not named. */
  keep(isKept: (index: number) => boolean): void {
    if (this.#read().every(({ index }) => isKept(index))) return;
    this.#waiting = this.#own().filter(({ index }) => isKept(index));
  }

  /** Writes what waits. */
  flush(): void {
    if (this.#waiting === undefined) return;
    for (const { bytes } of this.#waiting) writer.append(bytes);
    this.#pages.set(writer.take());
    this.#waiting = undefined;
  }
}
