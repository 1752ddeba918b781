/** Before the content: fingerprint (u32), slot (i32), bytes of the state (u32), bytes behind it (u32). */
const HEADER_BYTES = 16;

const WORD_AT = 0;
const SLOT_AT = 4;
const STATE_SIZE_AT = 8;
const CLOSED_SIZE_AT = 12;

const NOTHING = new Uint8Array(0);

/** A packed state and where it belongs. */
export interface Entry {
  /** Of the rules that the state was folded with. */
  readonly word: number;
  readonly slot: number;
  readonly state: Uint8Array;
  /** Packed, what the chunk before closed; within a chunk one byte per rule: how many it closed itself, if any. */
  readonly closed: Uint8Array;
}

/** An entry as it stands in a table. */
export function entryBytes({ word, slot, state, closed }: Entry): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + state.length + closed.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(WORD_AT, word);
  view.setInt32(SLOT_AT, slot);
  view.setUint32(STATE_SIZE_AT, state.length);
  view.setUint32(CLOSED_SIZE_AT, closed.length);
  bytes.set(state, HEADER_BYTES);
  bytes.set(closed, HEADER_BYTES + state.length);
  return bytes;
}

/**
 * Entries one after the other, slots ascending, in one piece of bytes: found and changed where they stand,
 * because unpacking all of them would be most of what a late fix costs. Either looks at bytes of somebody else,
 * which it must not change then, or works on a copy of its own; made once and used again.
 */
export class EntryTable {
  /** Of the entries, ascending. */
  readonly slots: number[] = [];
  readonly #starts: number[] = [];
  #room: Uint8Array = new Uint8Array(0);
  #bytes: Uint8Array = this.#room;
  #view: DataView = new DataView(this.#room.buffer);
  #length = 0;

  /** Looks at these bytes; good until they change. */
  look(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#length = bytes.length;
    this.slots.length = 0;
    this.#starts.length = 0;
    for (let at = 0; at < bytes.length;) at = this.#note(at);
  }

  /** Takes a copy of these bytes, and of further entries. */
  copy(bytes: Uint8Array, added: readonly Uint8Array[]): void {
    let length = added.reduce((sum, more) => sum + more.length, bytes.length);
    if (this.#room.length < length) this.#room = new Uint8Array(2 * length);
    this.#room.set(bytes);
    length = bytes.length;
    for (const more of added) {
      this.#room.set(more, length);
      length += more.length;
    }
    this.look(this.#room.subarray(0, length));
  }

  #note(at: number): number {
    const view = this.#view;
    this.slots.push(view.getInt32(at + SLOT_AT));
    this.#starts.push(at);
    const size = view.getUint32(at + STATE_SIZE_AT) + view.getUint32(at + CLOSED_SIZE_AT);
    return at + HEADER_BYTES + size;
  }

  get length(): number {
    return this.#length;
  }

  /** What stands from there on; good until the next change. */
  bytesFrom(from: number): Uint8Array {
    return this.#bytes.subarray(from, this.#length);
  }

  /** Position of the newest entry at or before a slot; -1 without one. */
  before(slot: number): number {
    const { slots } = this;
    let at = slots.length - 1;
    while (at >= 0 && (slots[at] as number) > slot) at -= 1;
    return at;
  }

  /** Position of the entry of that slot; -1 without one. */
  find(slot: number): number {
    const at = this.before(slot);
    return this.slots[at] === slot ? at : -1;
  }

  /** Where an entry begins; the end behind the last one. */
  startOf(at: number): number {
    return this.#starts[at] ?? this.#length;
  }

  /** The packed state of an entry; good until the next change. */
  stateAt(at: number): Uint8Array {
    const start = this.startOf(at);
    const from = start + HEADER_BYTES;
    return this.#bytes.subarray(from, from + this.#view.getUint32(start + STATE_SIZE_AT));
  }

  /** An entry that is there; good until the next change. */
  entryAt(at: number): Entry {
    const [start, end] = [this.startOf(at), this.startOf(at + 1)];
    return {
      word: this.#view.getUint32(start + WORD_AT),
      slot: this.slots[at] as number,
      state: this.stateAt(at),
      closed: this.#bytes.subarray(end - this.#view.getUint32(start + CLOSED_SIZE_AT), end),
    };
  }

  /** Puts an entry at that position, in the place of what stands there with its slot. */
  put(at: number, entry: Entry): void {
    const bytes = entryBytes(entry);
    const start = this.startOf(at);
    if (this.slots[at] === entry.slot) {
      this.#splice(start, this.startOf(at + 1), bytes, at + 1);
      return;
    }
    this.#splice(start, start, bytes, at);
    this.slots.splice(at, 0, entry.slot);
    this.#starts.splice(at, 0, start);
  }

  remove(at: number): void {
    this.#splice(this.startOf(at), this.startOf(at + 1), NOTHING, at + 1);
    this.slots.splice(at, 1);
    this.#starts.splice(at, 1);
  }

  /** Replaces bytes of the state of an entry, from inclusive to exclusive. */
  replaceInState(at: number, from: number, to: number, bytes: Uint8Array): void {
    const start = this.startOf(at);
    const content = start + HEADER_BYTES;
    const size = this.#view.getUint32(start + STATE_SIZE_AT) + bytes.length - (to - from);
    this.#view.setUint32(start + STATE_SIZE_AT, size);
    this.#splice(content + from, content + to, bytes, at + 1);
  }

  /** Replaces what stands behind the state of an entry. */
  replaceClosed(at: number, bytes: Uint8Array): void {
    const [start, end] = [this.startOf(at), this.startOf(at + 1)];
    const size = this.#view.getUint32(start + CLOSED_SIZE_AT);
    this.#view.setUint32(start + CLOSED_SIZE_AT, bytes.length);
    this.#splice(end - size, end, bytes, at + 1);
  }

  /** Replaces bytes, from inclusive to exclusive; the entries from position `behind` on move. */
  #splice(from: number, to: number, bytes: Uint8Array, behind: number): void {
    const grown = bytes.length - (to - from);
    const length = this.#length + grown;
    if (length > this.#room.length) {
      const room = new Uint8Array(2 * length);
      room.set(this.#room.subarray(0, this.#length));
      this.#room = room;
    }
    if (grown !== 0) {
      this.#room.copyWithin(to + grown, to, this.#length);
      for (let at = behind; at < this.#starts.length; at += 1) {
        this.#starts[at] = this.startOf(at) + grown;
      }
    }
    this.#room.set(bytes, from);
    this.#length = length;
    if (this.#bytes === this.#room) return;
    this.#bytes = this.#room;
    this.#view = new DataView(this.#room.buffer);
  }
}
