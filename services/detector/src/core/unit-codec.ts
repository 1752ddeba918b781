import { Bucket } from './beyond-grace.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { UnitPages } from './pages.ts';
import { Refusals } from './refusals.ts';
import { Seen } from './seen.ts';
import { readFacts, readState, writeFacts, writeState } from './state-codec.ts';
import { Timeline } from './timeline.ts';
import { unitOf, type Unit } from './unit.ts';

const writer = new ByteWriter();

/** Version of the payloads' layout; a change needs a reader for the old one. */
export const LAYOUT = 5;

/** Part of a unit's saved state: the head, seen fixes, bucket of a day, what was refused at the limit. */
export type PartName = '' | `#s/${number}` | `#b/${string}` | '#l/';

/** The head part: all but seen fixes and buckets, which parts of these there are, and which chunks. */
export function encodeHead(unit: Unit): Uint8Array {
  const { timeline } = unit;
  writer.f64(timeline.trimmedTo);
  writeState(writer, timeline.base);
  writer.list(timeline.chunks, ({ index, firstOffset }) => {
    writer.i32(index);
    writer.f64(firstOffset);
  });
  writer.list(unit.seen.indexes, (index) => writer.i32(index));
  writer.list([...unit.buckets.keys()], (date) => writer.text(date));
  writeFacts(writer, unit.facts);
  return writer.finish();
}

/** A chunk that a saved head names. */
export interface NamedChunk {
  readonly index: number;
  /** Offset of the first record in the input that brought a fix of it. */
  readonly firstOffset: number;
}

/** A unit as saved. */
export interface SavedUnit {
  readonly unit: Unit;
  /** Chunks that its pages must hold before anything is folded. */
  readonly named: readonly NamedChunk[];
}

/**
 * A unit from its parts and pages; `part` gives the saved bytes of one. Throws RangeError when a part that
 * the head names is missing or damaged. Cuts and the newest state come back with the next `fold`.
 */
export function decodeUnit(
  tenantId: string,
  name: string,
  pages: UnitPages,
  part: (name: PartName) => Uint8Array | undefined,
): SavedUnit {
  const required = (partName: PartName): Uint8Array => {
    const bytes = part(partName);
    if (bytes === undefined) throw new RangeError(`the saved part '${partName}' is missing`);
    return bytes;
  };
  const reader = new ByteReader(required(''));
  const trimmedTo = reader.f64();
  const base = readState(reader);
  const named = reader.list(() => ({ index: reader.i32(), firstOffset: reader.f64() }));
  const unit = unitOf(tenantId, name, new Timeline(pages, { base, trimmedTo }));
  const seen = reader.list(() => reader.i32());
  const dates = reader.list(() => reader.text());
  readFacts(reader, unit.facts);
  for (const date of dates) unit.buckets.set(date, new Bucket(date, required(`#b/${date}`)));
  const refused = part('#l/');
  if (refused !== undefined) unit.refusals = new Refusals(refused);
  unit.unsaved = false;
  const blocks = seen.map((index) => [index, required(`#s/${index}`)] as const);
  return { unit: { ...unit, seen: new Seen(blocks) }, named };
}
