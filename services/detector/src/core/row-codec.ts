import { ByteReader, type ByteWriter } from './bytes.ts';
import { secondOf, type Fix } from './fix.ts';
import { MARK, Rows, RUN, TOKEN } from './rows.ts';
import { writeMark, writeRows, writeRun } from './row-writer.ts';

const NO_BYTES = new Uint8Array(0);

/** What the rows of a quarter hold. */
export interface Unpacked {
  readonly fixes: Fix[];
  /** Pairs of second in the quarter and word of identity: fixes that others of their second outranked. */
  readonly marks: number[];
  /** Where the next row goes on. */
  readonly rows: Rows;
}

/** Reads the rows of a quarter that starts at `startMs`; damaged bytes throw RangeError. */
export function unpackRows(bytes: Uint8Array, startMs: number): Unpacked {
  const reader = new ByteReader(bytes);
  const rows = new Rows(startMs);
  const fixes: Fix[] = [];
  const marks: number[] = [];
  while (!reader.isAtEnd()) {
    const header = reader.u8();
    if (header === MARK) marks.push(reader.varint(), reader.u32());
    else if (header === RUN) {
      rows.runs += 1;
      for (let left = reader.varint(); left > 0; left -= 1) fixes.push(rows.read(reader, 0));
    } else if ((header & TOKEN) === TOKEN) throw new RangeError(`no row has header ${header}`);
    else {
      if (header === 0) rows.runs += 1;
      fixes.push(rows.read(reader, header));
    }
  }
  return { fixes, marks, rows };
}

/** Device seconds since epoch of all that stands in a quarter, outranked fixes included, ascending. */
export function secondsOf(bytes: Uint8Array, startMs: number): number[] {
  const reader = new ByteReader(bytes);
  const rows = new Rows(startMs);
  const seconds: number[] = [];
  let isMarked = false;
  while (!reader.isAtEnd()) {
    const header = reader.u8();
    if (header === MARK) {
      isMarked = true;
      seconds.push(startMs / 1000 + reader.varint());
      reader.u32();
    } else if (header === RUN) {
      for (let left = reader.varint(); left > 0; left -= 1) {
        rows.passEven(1);
        seconds.push(secondOf(rows.time));
      }
    } else {
      rows.pass(reader, header);
      seconds.push(secondOf(rows.time));
    }
  }
  return isMarked ? seconds.sort((a, b) => a - b) : seconds;
}

/**
 * Reads the rows of a quarter one by one, from a time on: no fixes are made of those before, and what is not
 * asked for is not read. The bytes must not change meanwhile.
 */
export class RowsFrom {
  readonly #reader = new ByteReader(NO_BYTES);
  readonly #rows = new Rows(0);
  #fromMs = 0;
  /** Even rows of a run that were not read. */
  #left = 0;

  /** Begins anew with other bytes. */
  look(bytes: Uint8Array, startMs: number, fromMs: number): this {
    this.#reader.look(bytes);
    this.#rows.begin(startMs);
    this.#fromMs = fromMs;
    this.#left = 0;
    return this;
  }

  /** The next one; undefined at the end. */
  next(): Fix | undefined {
    const [reader, rows] = [this.#reader, this.#rows];
    for (;;) {
      if (this.#left > 0) {
        this.#left -= 1;
        return rows.read(reader, 0);
      }
      if (reader.isAtEnd()) return undefined;
      const header = reader.u8();
      if (header === RUN) {
        const count = reader.varint();
        const earlier = Math.ceil((this.#fromMs - rows.time) / rows.step) - 1;
        const passed = Math.max(0, Math.min(count, earlier));
        rows.passEven(passed);
        this.#left = count - passed;
      } else if (header === MARK) {
        reader.varint();
        reader.u32();
      } else {
        rows.pass(reader, header);
        if (rows.time >= this.#fromMs) return rows.fix();
      }
    }
  }
}

/** Rows as they were written, but even ones in succession as one run. */
export function joinRuns(writer: ByteWriter, bytes: Uint8Array, startMs: number): void {
  const reader = new ByteReader(bytes);
  const rows = new Rows(startMs);
  let run = 0;
  while (!reader.isAtEnd()) {
    const from = reader.position;
    const header = reader.u8();
    if (header === 0) run += 1;
    else if (header === RUN) run += reader.varint();
    else {
      if (header === MARK) {
        reader.varint();
        reader.u32();
      } else rows.pass(reader, header);
      writeRun(writer, run);
      run = 0;
      writer.copy(bytes, from, reader.position);
    }
  }
  writeRun(writer, run);
}

/** The rows of a quarter as short as they go, and where the next one goes on. */
export function packRows(
  writer: ByteWriter,
  { fixes, marks }: Pick<Unpacked, 'fixes' | 'marks'>,
  startMs: number,
): Rows {
  const rows = new Rows(startMs);
  writeRows(writer, rows, fixes);
  for (let i = 0; i < marks.length; i += 2) writeMark(writer, marks[i] ?? 0, marks[i + 1] ?? 0);
  return rows;
}
