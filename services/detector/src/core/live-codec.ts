import type { ByteReader, ByteWriter } from './bytes.ts';
import { Chunk, type FixSource } from './chunk.ts';
import { Rows } from './rows.ts';

/** Writes a chunk without its fixes, which stand in the pages. */
export function writeChunk(writer: ByteWriter, chunk: Chunk): void {
  writer.i32(chunk.index);
  writer.real(chunk.firstOffset);
  writer.varint(chunk.count);
  writer.varint(chunk.size);
  writer.varint(chunk.rules);
  writer.varint(chunk.leftOut);
  writer.optional(chunk.held, (packed) => writer.bytes(packed));
}

/** The counterpart of `writeChunk`. */
export function readChunk(reader: ByteReader, source: FixSource): Chunk {
  const [index, firstOffset] = [reader.i32(), reader.real()];
  const sizes = { count: reader.varint(), size: reader.varint() };
  const chunk = new Chunk(index, firstOffset, source, sizes);
  chunk.rules = reader.varint();
  chunk.leftOut = reader.varint();
  const held = reader.optional(() => reader.bytes());
  if (held !== undefined) chunk.held = held;
  return chunk;
}

/** Writes where the rows of a quarter go on. */
export function saveRows(writer: ByteWriter, rows: Rows): void {
  writer.zigzag(rows.time);
  writer.zigzag(rows.step);
  writer.u8(rows.isLocated ? 1 : 0);
  writer.zigzag(rows.latitude);
  writer.zigzag(rows.longitude);
  writer.zigzag(rows.lateness);
  writer.zigzag(rows.topic);
  writer.zigzag(rows.partition);
  writer.zigzag(rows.offset);
  writer.zigzag(rows.index);
  writer.zigzag(rows.offsetStep);
  writer.zigzag(rows.indexStep);
  writer.varint(rows.runs);
  writer.list(rows.signals, (signal) => writer.zigzag(signal));
  writer.list(rows.topics, (topic) => writer.text(topic));
  writer.list(rows.drivers, (driver) => writer.text(driver));
}

/** The counterpart of `saveRows`. */
export function readRows(reader: ByteReader): Rows {
  const rows = new Rows(reader.zigzag());
  rows.step = reader.zigzag();
  rows.isLocated = reader.u8() === 1;
  rows.latitude = reader.zigzag();
  rows.longitude = reader.zigzag();
  rows.lateness = reader.zigzag();
  rows.topic = reader.zigzag();
  rows.partition = reader.zigzag();
  rows.offset = reader.zigzag();
  rows.index = reader.zigzag();
  rows.offsetStep = reader.zigzag();
  rows.indexStep = reader.zigzag();
  rows.runs = reader.varint();
  rows.signals = reader.list(() => reader.zigzag());
  rows.topics = reader.list(() => reader.text());
  rows.drivers = reader.list(() => reader.text());
  return rows;
}
