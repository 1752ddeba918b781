import { ByteReader, ByteWriter } from './bytes.ts';
import { Chunk, type FixSource, type Insertion } from './chunk.ts';
import { isRepeat, outranks, secondOf, type Fix } from './fix.ts';
import type { Pages, UnitPages } from './pages.ts';
import { readChunk, readRows, saveRows, writeChunk } from './live-codec.ts';
import { insertRow } from './row-insert.ts';
import { joinRuns, packRows, RowsFrom, secondsOf, unpackRows, type Unpacked } from './row-codec.ts';
import { writeMark, writeRows } from './row-writer.ts';
import type { Rows } from './rows.ts';

const writer = new ByteWriter();
/** One reader of rows, as long as nobody asks for others; used again, see `Search`. */
const reading = new RowsFrom();

/** Before the rows of a quarter: its index (i32), fixes (u32), bytes of rows (u32), first offset (f64). */
const HEADER_BYTES = 20;

/** Outranked fixes that are remembered per second: with the one that counts, a clock that stands shows. */
const MARKS_PER_SECOND = 2;

/** So many runs in the newest quarter are worth looking for those that are one when it ends. */
const RUNS = 8;

function writeHeader(chunk: Pick<Chunk, 'index' | 'count' | 'size' | 'firstOffset'>): void {
  writer.i32(chunk.index);
  writer.u32(chunk.count);
  writer.u32(chunk.size);
  writer.f64(chunk.firstOffset);
}

/** Puts a fix among those of its quarter; see Insertion. */
function place(unpacked: Unpacked, fix: Fix, startMs: number): Insertion {
  const { fixes, marks } = unpacked;
  const second = secondOf(fix.time);
  let at = fixes.length;
  while (at > 0 && secondOf((fixes[at - 1] as Fix).time) >= second) at -= 1;
  const there = fixes[at];
  if (there === undefined || secondOf(there.time) !== second) {
    fixes.splice(at, 0, fix);
    return 'added';
  }
  const isSame = isRepeat(fix, there);
  if (!outranks(fix, there)) {
    return isSame || !mark(marks, fix, startMs) ? 'repeat' : 'outranked';
  }
  if (!isSame) mark(marks, there, startMs);
  fixes[at] = fix;
  return isSame ? 'refined' : 'replaced';
}

/** Marks of a second. */
function marksAt(marks: readonly number[], second: number): number {
  let count = 0;
  for (let i = 0; i < marks.length; i += 2) if (marks[i] === second) count += 1;
  return count;
}

/** False when it was marked already, or its second has marks enough. */
function mark(marks: number[], fix: Fix, startMs: number): boolean {
  const second = secondOf(fix.time) - startMs / 1000;
  let count = 0;
  for (let i = 0; i < marks.length; i += 2) {
    if (marks[i] !== second) continue;
    count += 1;
    if (marks[i + 1] === fix.idHigh || count >= MARKS_PER_SECOND) return false;
  }
  marks.push(second, fix.idHigh);
  return true;
}

/**
 * The packed fixes of one unit. The newest quarter is open: a fix in order is a few bytes at its end. When a
 * newer one begins it is sealed behind the others. Any other fix unpacks its quarter and packs it anew.
 */
export class FixPages implements FixSource {
  readonly chunks: Chunk[] = [];
  readonly #sealed: Pages;
  readonly #open: Pages;
  /** The last insertion was the third position of its second: the device's clock stands still. */
  clockStands = false;
  /** Where the next row of the open quarter goes on; made when it is asked for. */
  #rows: Rows | undefined;

  /** `live` is what `writeLive` wrote; without it the pages are looked through. */
  constructor({ sealed, open }: UnitPages, live?: ByteReader) {
    this.#sealed = sealed;
    this.#open = open;
    if (live !== undefined) {
      this.chunks = live.list(() => readChunk(live, this));
      this.#rows = live.optional(() => readRows(live));
      return;
    }
    for (let at = 0; at < sealed.length();) at += this.#restore(sealed, at);
    if (open.length() > 0) this.#restore(open, 0);
  }

  #restore(pages: Pages, at: number): number {
    const reader = new ByteReader(pages.read(at, at + HEADER_BYTES));
    const index = reader.i32();
    const saved = { count: reader.u32(), size: reader.u32() };
    const chunk = new Chunk(index, reader.f64(), this, saved);
    if (pages === this.#open) {
      // The header of the open quarter is written once, when it begins.
      chunk.size = pages.length() - HEADER_BYTES;
      this.chunks.push(chunk);
      chunk.count = this.unpack(chunk).fixes.length;
    } else this.chunks.push(chunk);
    return HEADER_BYTES + chunk.size;
  }

  rest(): void {
    this.#sealed.rest();
    this.#open.rest();
  }

  /** Writes where the quarters stand, and where the newest one goes on. */
  writeLive(to: ByteWriter): void {
    to.list(this.chunks, (chunk) => writeChunk(to, chunk));
    to.optional(this.#rows, (rows) => saveRows(to, rows));
  }

  fixesOf(chunk: Chunk): readonly Fix[] {
    return this.unpack(chunk).fixes;
  }

  readFrom(chunk: Chunk, fromMs: number): RowsFrom {
    return reading.look(this.#rowsOf(chunk), chunk.startTime, fromMs);
  }

  /** Bytes of all rows and their headers. */
  get bytes(): number {
    return this.#sealed.length() + this.#open.length();
  }

  #startOf(chunk: Chunk): number {
    let at = 0;
    for (const other of this.chunks) {
      if (other === chunk) break;
      at += HEADER_BYTES + other.size;
    }
    return at;
  }

  /** Good until the next change of the pages. */
  #rowsOf(chunk: Chunk): Uint8Array {
    const isOpen = chunk === this.chunks.at(-1);
    const pages = isOpen ? this.#open : this.#sealed;
    const from = (isOpen ? 0 : this.#startOf(chunk)) + HEADER_BYTES;
    return pages.read(from, from + chunk.size);
  }

  unpack(chunk: Chunk): Unpacked {
    const unpacked = unpackRows(this.#rowsOf(chunk), chunk.startTime);
    if (chunk === this.chunks.at(-1)) this.#rows = unpacked.rows;
    return unpacked;
  }

  /** Device seconds since epoch of all that were accepted in a chunk, ascending. */
  secondsOf(chunk: Chunk): readonly number[] {
    return secondsOf(this.#rowsOf(chunk), chunk.startTime);
  }

  /** Begins a quarter that is newer than all others. */
  begin(index: number, firstOffset: number): Chunk {
    this.#seal();
    const chunk = new Chunk(index, firstOffset, this);
    this.chunks.push(chunk);
    writeHeader(chunk);
    this.#open.set(writer.take());
    this.#rows = packRows(writer, { fixes: [], marks: [] }, chunk.startTime);
    return chunk;
  }

  #seal(): void {
    const newest = this.chunks.at(-1);
    if (newest === undefined) return;
    let bytes = this.#open.read(HEADER_BYTES, HEADER_BYTES + newest.size);
    if ((this.#rows?.runs ?? 0) >= RUNS) {
      joinRuns(writer, bytes, newest.startTime);
      bytes = writer.finish();
    }
    newest.size = bytes.length;
    writeHeader(newest);
    this.#sealed.append(writer.take());
    this.#sealed.append(bytes);
  }

  /** Adds fixes of later seconds than all others, in order, to the newest quarter, which holds them. */
  append(fixes: readonly Fix[]): void {
    const chunk = this.chunks.at(-1) as Chunk;
    const rows = this.#rows ?? this.unpack(chunk).rows;
    writeRows(writer, rows, fixes);
    const bytes = writer.take();
    this.#open.append(bytes);
    chunk.size += bytes.length;
    chunk.count += fixes.length;
  }

  /** Makes room for a quarter between others. */
  #makeRoom(index: number, firstOffset: number): Chunk {
    let position = this.chunks.length;
    while (position > 0 && (this.chunks[position - 1] as Chunk).index > index) position -= 1;
    const chunk = new Chunk(index, firstOffset, this);
    const at = position === this.chunks.length ? 0 : this.#startOf(this.chunks[position] as Chunk);
    this.chunks.splice(position, 0, chunk);
    writeHeader(chunk);
    this.#splice(at, 0, [writer.finish()]);
    return chunk;
  }

  #splice(at: number, removed: number, parts: readonly Uint8Array[]): void {
    const sealed = this.#sealed;
    // Views all of them: nothing is copied but to the writer.
    writer.append(sealed.read(0, at));
    for (const part of parts) writer.append(part);
    writer.append(sealed.read(at + removed, sealed.length()));
    sealed.set(writer.take());
  }

  /** Puts a fix where it belongs; its quarter is not newer than the newest one. */
  insert(fix: Fix, index: number, firstOffset: number): Insertion {
    const chunk =
      this.chunks.find((other) => other.index === index) ?? this.#makeRoom(index, firstOffset);
    this.clockStands = false;
    if (this.#insertRow(chunk, fix)) return 'added';
    const unpacked = this.unpack(chunk);
    const known = unpacked.marks.length;
    const insertion = place(unpacked, fix, chunk.startTime);
    if (insertion !== 'repeat' && insertion !== 'outranked') this.#replace(chunk, unpacked);
    else if (unpacked.marks.length > known) this.#addMark(chunk, unpacked);
    this.clockStands =
      unpacked.marks.length > known &&
      marksAt(unpacked.marks, secondOf(fix.time) - chunk.startTime / 1000) === MARKS_PER_SECOND;
    return insertion;
  }

  /** Nearly every late fix: its second is free, and only the rows around it are written anew. */
  #insertRow(chunk: Chunk, fix: Fix): boolean {
    const isOpen = chunk === this.chunks.at(-1);
    const start = isOpen ? 0 : this.#startOf(chunk);
    const pages = isOpen ? this.#open : this.#sealed;
    const rows = pages.read(start + HEADER_BYTES, start + HEADER_BYTES + chunk.size);
    const inserted = insertRow(rows, chunk.startTime, fix, writer);
    if (inserted === undefined) return false;
    const { from, to, end } = inserted;
    const added = writer.finish();
    const before = HEADER_BYTES + chunk.size;
    const [front, back] = [rows.subarray(0, from), rows.subarray(to)];
    chunk.count += 1;
    chunk.size += added.length - (to - from);
    writeHeader(chunk);
    const parts = [writer.finish(), front, added, back];
    if (!isOpen) this.#splice(start, before, parts);
    else {
      for (const part of parts) writer.append(part);
      this.#open.set(writer.take());
    }
    if (isOpen && end !== undefined) {
      end.runs += this.#rows?.runs ?? 0;
      this.#rows = end;
    }
    return true;
  }

  /** A record that is read once more, behind newer ones, may be the first that a quarter needs. */
  cameBefore(index: number, offset: number): boolean {
    const chunk = this.chunks.find((other) => other.index === index);
    if (chunk === undefined || chunk.firstOffset <= offset) return false;
    chunk.firstOffset = offset;
    return true;
  }

  #addMark(chunk: Chunk, unpacked: Unpacked): void {
    if (chunk !== this.chunks.at(-1)) {
      this.#replace(chunk, unpacked);
      return;
    }
    const [second = 0, word = 0] = unpacked.marks.slice(-2);
    writeMark(writer, second, word);
    const bytes = writer.take();
    this.#open.append(bytes);
    chunk.size += bytes.length;
  }

  #replace(chunk: Chunk, unpacked: Unpacked): void {
    const before = HEADER_BYTES + chunk.size;
    const rows = packRows(writer, unpacked, chunk.startTime);
    const packed = writer.finish();
    chunk.count = unpacked.fixes.length;
    chunk.size = packed.length;
    writeHeader(chunk);
    const header = writer.finish();
    const bytes = new Uint8Array(header.length + packed.length);
    bytes.set(header);
    bytes.set(packed, header.length);
    if (chunk === this.chunks.at(-1)) {
      this.#open.set(bytes);
      this.#rows = rows;
    } else this.#splice(this.#startOf(chunk), before, [bytes]);
  }

  /** Drops the oldest quarters; returns them. What they held is read before. */
  drop(count: number): readonly Chunk[] {
    const dropped = this.chunks.slice(0, count);
    const isAll = count === this.chunks.length;
    if (isAll) {
      this.#open.set(new Uint8Array(0));
      this.#rows = undefined;
    }
    const sealed = isAll ? dropped.slice(0, -1) : dropped;
    this.#sealed.dropFront(sealed.reduce((sum, { size }) => sum + HEADER_BYTES + size, 0));
    this.chunks.splice(0, count);
    return dropped;
  }
}
