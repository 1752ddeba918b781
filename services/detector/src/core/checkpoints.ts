import { ByteReader, ByteWriter } from './bytes.ts';
import { CHUNK_SLOTS } from './chunk.ts';
import { entryBytes, EntryTable, type Entry } from './entry-table.ts';
import type { FoldState } from './fold.ts';
import type { Pages } from './pages.ts';
import { RULES } from './rule-list.ts';
import type { Rules } from './rules.ts';
import { readPacked, writePacked } from './state-codec.ts';
import { shiftsBetween, shiftState, type Shifts } from './state-shift.ts';

const writer = new ByteWriter();

/** Checkpoints within chunks are kept for so many chunks behind the newest. */
const FINE_CHUNKS = 8;

/** Cuts of one rule in a chunk that a byte can count. */
const MAX_COUNT = 255;

/** Where a chunk begins: the state before its first fix. */
export interface Checkpoint {
  readonly state: FoldState;
}

/** A state within a chunk: before the first fix of a slot. */
export interface Midway {
  readonly slot: number;
  readonly state: FoldState;
  /** How many cuts of each rule the chunk closed before. */
  readonly counts: readonly number[];
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

function isMidway(slot: number): boolean {
  return slot % CHUNK_SLOTS !== 0;
}

/** For looking at pages: what it looks at is asked for anew each time, because pages may have moved. */
const looking = new EntryTable();
/** Tables whose changes were written. */
const spare: EntryTable[] = [];
const MAX_SPARE = 4;

/**
 * The states between the chunks of one unit, and within the newest of them, packed: a late fix is folded from
 * the nearest one. They can be computed again from the fixes, and are kept so that neither a late fix nor a
 * restart has to. What is put waits for `flush`: pages may change only while records are handled.
 */
export class Checkpoints {
  readonly #pages: Pages;
  /** All entries, from the first change, or look at what waits, until they are written. */
  #own: EntryTable | undefined;
  /** So many bytes of the table stand in the pages; -1 when others do. */
  #kept = -1;
  /** Until there is a table, entries to be put behind those of the pages. */
  #added: Uint8Array[] = [];
  /** Slot of the newest entry. */
  #newest: number;

  /** `newest`: slot of the newest entry, where it is known. */
  constructor(pages: Pages, newest?: number) {
    this.#pages = pages;
    this.#newest = newest ?? this.#table().slots.at(-1) ?? -Infinity;
  }

  /** Slot of the newest entry; -Infinity without one. */
  get newest(): number {
    return this.#newest;
  }

  /** Nothing waits for `flush`. */
  get isFlushed(): boolean {
    return this.#own === undefined && this.#added.length === 0;
  }

  /** Good until the next change of the pages. */
  #table(): EntryTable {
    if (this.#own !== undefined) return this.#own;
    if (this.#added.length > 0) return this.take();
    looking.look(this.#pages.read(0, this.#pages.length()));
    return looking;
  }

  /** Prepares for changes. */
  take(): EntryTable {
    if (this.#own !== undefined) return this.#own;
    const own = spare.pop() ?? new EntryTable();
    this.#kept = this.#pages.length();
    own.copy(this.#pages.read(0, this.#kept), this.#added);
    this.#added = [];
    this.#own = own;
    return own;
  }

  #change(): EntryTable {
    const own = this.take();
    this.#kept = -1;
    return own;
  }

  #put(entry: Entry): void {
    if (entry.slot > this.#newest) {
      this.#newest = entry.slot;
      if (this.#own === undefined) this.#added.push(entryBytes(entry));
      else this.#own.put(this.#own.slots.length, entry);
      return;
    }
    const own = this.#change();
    const before = own.before(entry.slot);
    own.put(own.slots[before] === entry.slot ? before : before + 1, entry);
  }

  /** What stands at a slot; good until the next change. */
  #there(slot: number): Entry | undefined {
    if (slot > this.#newest) return undefined;
    const table = this.#table();
    const at = table.find(slot);
    return at === -1 ? undefined : table.entryAt(at);
  }

  get(index: number, rules: Rules): Checkpoint | undefined {
    const state = this.packedAt(index, rules);
    return state === undefined ? undefined : { state: readPacked(new ByteReader(state)) };
  }

  /** The state of a checkpoint, packed; good until the next change. */
  packedAt(index: number, rules: Rules): Uint8Array | undefined {
    const there = this.#there(index * CHUNK_SLOTS);
    return there?.word === wordOf(rules) ? there.state : undefined;
  }

  /** What the chunk before closed, packed; good until the next change. Undefined without a checkpoint. */
  closedBefore(index: number): Uint8Array | undefined {
    return this.#there(index * CHUNK_SLOTS)?.closed;
  }

  /** The same of a checkpoint that was made by these rules. */
  closedBy(index: number, rules: Rules): Uint8Array | undefined {
    const there = this.#there(index * CHUNK_SLOTS);
    return there?.word === wordOf(rules) ? there.closed : undefined;
  }

  /** The newest state within a chunk that no fix from that slot on has part in. */
  midway(index: number, slot: number, rules: Rules): Midway | undefined {
    const table = this.#table();
    const at = table.before(slot);
    if ((table.slots[at] ?? -Infinity) <= index * CHUNK_SLOTS) return undefined;
    const { word, slot: there, state, closed } = table.entryAt(at);
    if (word !== wordOf(rules)) return undefined;
    const counts = RULES.map((_, rule) => closed[rule] ?? 0);
    return { slot: there, state: readPacked(new ByteReader(state)), counts };
  }

  /**
   * Puts the checkpoint of a chunk, with what the chunk before closed as that holds it, in the place of what
   * stood there. Returns how what follows differs from what followed that; undefined when there was none or it
   * has to be folded again.
   */
  put(index: number, state: FoldState, closed: Uint8Array, rules: Rules): Shifts | undefined {
    const word = wordOf(rules);
    const slot = index * CHUNK_SLOTS;
    const entry = { word, slot, state: packed(state), closed };
    const there = this.#there(slot);
    const shifts = there?.word === word ? shiftsBetween(entry.state, there.state) : undefined;
    this.#put(entry);
    if (there === undefined) this.#keepFine(slot - FINE_CHUNKS * CHUNK_SLOTS);
    return shifts;
  }

  putMidway({ slot, state, counts }: Midway, rules: Rules): void {
    const isOld = slot <= this.#newest - FINE_CHUNKS * CHUNK_SLOTS;
    if (isOld || counts.some((count) => count > MAX_COUNT)) {
      // What stood there does not hold any more.
      this.#keep((other) => other !== slot);
      return;
    }
    const closed = Uint8Array.from(counts.some((count) => count > 0) ? counts : []);
    this.#put({ word: wordOf(rules), slot, state: packed(state), closed });
  }

  #keepFine(from: number): void {
    this.#keep((slot) => slot >= from || !isMidway(slot));
  }

  /** Forgets what lies within a chunk, from its n-th slot on. */
  forgetMidway(index: number, from: number): void {
    const first = index * CHUNK_SLOTS + Math.max(1, from);
    this.#keep((slot) => slot < first || slot >= (index + 1) * CHUNK_SLOTS);
  }

  /** Moves the sums of what lies within a chunk, from its n-th slot on. */
  shiftMidway(index: number, from: number, shifts: Shifts): void {
    const own = this.#change();
    const first = index * CHUNK_SLOTS + Math.max(1, from);
    for (let at = own.before(first - 1) + 1; at < own.slots.length; at += 1) {
      if ((own.slots[at] as number) >= (index + 1) * CHUNK_SLOTS) return;
      shiftEntry(own, at, shifts);
    }
  }

  /**
   * Moves the sums of a chunk's checkpoint; `closedBefore` is given when it changed. Returns one bit for each
   * rule of which what moves is open in it; undefined when there is none.
   */
  shift(index: number, shifts: Shifts, closedBefore: Uint8Array | undefined): number | undefined {
    const own = this.#change();
    const at = own.find(index * CHUNK_SLOTS);
    if (at === -1) return undefined;
    if (closedBefore !== undefined) own.replaceClosed(at, closedBefore);
    return shiftEntry(own, at, shifts);
  }

  #keep(isKept: (slot: number) => boolean): void {
    const { slots } = this.#table();
    if (slots.every(isKept)) return;
    const own = this.#change();
    for (let at = own.slots.length - 1; at >= 0; at -= 1) {
      if (!isKept(own.slots[at] as number)) own.remove(at);
    }
    this.#newest = own.slots.at(-1) ?? -Infinity;
  }

  /** Forgets the checkpoints of the chunks that are not named, and all within these. */
  keep(isKept: (index: number) => boolean): void {
    this.#keep((slot) => isKept(Math.floor(slot / CHUNK_SLOTS)));
  }

  /** Forgets what stands in front of the second quarter of those that are left, `index` being the first. */
  dropTo(index: number): void {
    const isKept = (slot: number): boolean => slot >= (index + 1) * CHUNK_SLOTS;
    if (!this.isFlushed) {
      this.#keep(isKept);
      return;
    }
    const { slots } = this.#table();
    const first = slots.findIndex(isKept);
    this.#pages.dropFront(first === -1 ? this.#pages.length() : looking.startOf(first));
    if (first === -1) this.#newest = -Infinity;
  }

  /** Nobody will ask for a while. */
  rest(): void {
    this.#pages.rest();
  }

  /** Writes what waits. */
  flush(): void {
    const own = this.#own;
    if (own === undefined) {
      for (const bytes of this.#added) this.#pages.append(bytes);
      if (this.#added.length > 0) this.#added = [];
      return;
    }
    if (this.#kept === -1) this.#pages.set(own.bytesFrom(0));
    else if (own.length > this.#kept) this.#pages.append(own.bytesFrom(this.#kept));
    this.#own = undefined;
    if (spare.length < MAX_SPARE) spare.push(own);
  }
}

/** Moves the sums of an entry's state; returns one bit for each rule of which what moves is open in it. */
function shiftEntry(table: EntryTable, at: number, shifts: Shifts): number {
  const moved = shiftState(table.stateAt(at), shifts);
  // From the last one on, so that the places of the others stay what they are.
  for (const { from, to, bytes } of moved.replaced.toReversed()) {
    table.replaceInState(at, from, to, bytes);
  }
  return moved.rules;
}
