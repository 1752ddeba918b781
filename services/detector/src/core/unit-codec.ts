import { Bucket } from './beyond-grace.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { Chunk } from './chunk.ts';
import { Seen } from './seen.ts';
import { readFacts, readState, writeFacts, writeState } from './state-codec.ts';
import { Timeline } from './timeline.ts';
import { unitOf, type Unit } from './unit.ts';

const writer = new ByteWriter();

/** Version of the payloads' layout; a change needs a reader for the old one. */
export const LAYOUT = 2;

/** Part of a unit's saved state: the head, fixes by quarter hour, seen fixes, bucket of a day. */
export type PartName = '' | `#f/${number}` | `#s/${number}` | `#b/${string}`;

/** The head part: all but fixes, seen fixes and buckets, and which parts of these there are. */
export function encodeHead(unit: Unit): Uint8Array {
  const { timeline } = unit;
  writer.f64(timeline.trimmedTo);
  writeState(writer, timeline.base);
  writer.list(timeline.chunks, (chunk) => writer.i32(chunk.index));
  writer.list(unit.seen.indexes, (index) => writer.i32(index));
  writer.list([...unit.buckets.keys()], (date) => writer.text(date));
  writeFacts(writer, unit.facts);
  return writer.finish();
}

/**
 * A unit from its parts; `part` gives the saved bytes of one. Throws RangeError when a part that the
 * head names is missing or damaged. Checkpoints and cuts come back with the next `fold`.
 */
export function decodeUnit(
  tenantId: string,
  name: string,
  part: (name: PartName) => Uint8Array | undefined,
): Unit {
  const required = (partName: PartName): Uint8Array => {
    const bytes = part(partName);
    if (bytes === undefined) throw new RangeError(`the saved part '${partName}' is missing`);
    return bytes;
  };
  const reader = new ByteReader(required(''));
  const trimmedTo = reader.f64();
  const base = readState(reader);
  const chunks = reader
    .list(() => reader.i32())
    .map((index) => new Chunk(index, required(`#f/${index}`)));
  const unit = unitOf(tenantId, name, new Timeline(base, trimmedTo, chunks));
  const seen = reader.list(() => reader.i32());
  const dates = reader.list(() => reader.text());
  readFacts(reader, unit.facts);
  for (const date of dates) unit.buckets.set(date, new Bucket(date, required(`#b/${date}`)));
  unit.unsaved = false;
  return { ...unit, seen: new Seen(seen.map((index) => [index, required(`#s/${index}`)])) };
}
