import { ByteReader, type ByteWriter } from './bytes.ts';
import { secondOf, type Fix } from './fix.ts';
import { writeRow, writeRun } from './row-writer.ts';
import { MARK, Rows, RUN } from './rows.ts';

/** Where bytes of packed rows are replaced; the new ones stand in the writer. */
export interface RowInsertion {
  readonly from: number;
  readonly to: number;
  /** Where the row behind the last one goes on, when that is no longer where it was. */
  readonly end: Rows | undefined;
}

/** Rows of one kind: one that is written out, or a run of even ones; none at the end. */
interface Stretch {
  readonly from: number;
  readonly header: number;
  readonly count: number;
}

/** Rows in order, with what is told by the one before. */
class Search {
  readonly reader = new ByteReader(new Uint8Array(0));
  /** In front of the place that was found. */
  before = new Rows(0);
  /** At the first row behind it. */
  readonly rows = new Rows(0);
  /** Even rows in front of the place that are told together with those behind it. */
  evenBefore = 0;
  /** Topics and drivers that were named up to the place. */
  texts = 0;
  /** Marks were passed since the place was found. */
  sawMark = false;

  /** Begins anew with other bytes. */
  look(bytes: Uint8Array, startMs: number): void {
    this.reader.look(bytes);
    // Where the newest quarter goes on is kept.
    this.before = new Rows(startMs);
    this.rows.begin(startMs);
    this.evenBefore = 0;
    this.texts = 0;
    this.sawMark = false;
  }

  next(): Stretch {
    const { reader } = this;
    while (!reader.isAtEnd()) {
      const from = reader.position;
      const header = reader.u8();
      if (header === RUN) return { from, header: 0, count: reader.varint() };
      if (header !== MARK) return { from, header, count: 1 };
      this.sawMark = true;
      reader.varint();
      reader.u32();
    }
    return { from: reader.position, header: 0, count: 0 };
  }

  /** Goes to the place of a second: the rows from there on; undefined when a row has that second. */
  find(second: number): Stretch | undefined {
    const { rows, reader } = this;
    for (;;) {
      const { from, header, count } = this.next();
      // Of a run only those before the second are passed at once.
      const earlier = count > 1 ? Math.ceil((second * 1000 - rows.time) / rows.step) - 1 : 0;
      this.evenBefore = Math.max(0, Math.min(count, earlier));
      rows.passEven(this.evenBefore);
      const left = count - this.evenBefore;
      if (left === 0 && count > 0) continue;
      const found = left === 0 ? Infinity : secondOf(rows.nextTime(reader, header));
      if (found < second) {
        rows.pass(reader, header);
        continue;
      }
      if (found === second) return undefined;
      this.before.follow(rows);
      this.texts = rows.texts;
      if (left > 0) rows.pass(reader, header);
      this.sawMark = false;
      return { from, header, count: left };
    }
  }
}

/** Used again, so that one is always alive: without any, V8 throws away what it compiled for them. */
const search = new Search();

/**
 * Puts a fix of a free second among packed rows: writes it, and those behind it until one is told as it was
 * before. Undefined when that is not enough, as when the second is taken or texts are new: then all rows
 * have to be packed anew.
 */
export function insertRow(
  bytes: Uint8Array,
  startMs: number,
  fix: Fix,
  writer: ByteWriter,
): RowInsertion | undefined {
  search.look(bytes, startMs);
  const place = search.find(secondOf(fix.time));
  if (place === undefined) return undefined;
  const { reader, before, rows, evenBefore } = search;
  const isKnown = fix.driver === undefined || rows.drivers.includes(fix.driver);
  if (!isKnown || !rows.topics.includes(fix.address.topic)) return undefined;
  const { from } = place;
  writeRun(writer, evenBefore);
  writeRow(writer, before, fix);
  let { header, count } = place;
  while (count > 0) {
    if (search.sawMark || rows.texts !== search.texts) {
      writer.take();
      return undefined;
    }
    writeRow(writer, before, rows.fix());
    count -= 1;
    if (before.isLike(rows)) {
      writeRun(writer, count);
      return { from, to: reader.position, end: undefined };
    }
    if (count === 0) ({ header, count } = search.next());
    if (count > 0) rows.pass(reader, header);
  }
  if (search.sawMark) {
    writer.take();
    return undefined;
  }
  return { from, to: bytes.length, end: before };
}
