import { Bucket } from './beyond-grace.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { HeldState } from './held-state.ts';
import type { UnitPages } from './pages.ts';
import { Refusals } from './refusals.ts';
import { RULES } from './rule-list.ts';
import { Seen } from './seen.ts';
import { readFacts, readState, shareFacts, writeFacts } from './state-codec.ts';
import { Timeline } from './timeline.ts';
import { unitOf, type Unit } from './unit.ts';

const writer = new ByteWriter();

/** Version of the payloads' layout; a change needs a reader for the old one. */
export const LAYOUT = 5;

/** Part of a unit's saved state: the head, seen fixes, bucket of a day, what was refused at the limit. */
export type PartName = '' | `#s/${number}` | `#b/${string}` | '#l/';

/**
 * The head part: all but seen fixes and buckets, which parts of these there are, and which chunks. The unit reads
 * its base and its facts from there from now on, so these bytes must not change.
 */
export function encodeHead(unit: Unit): Uint8Array {
  const { timeline } = unit;
  const { base, trimmedTo } = timeline.saved;
  writer.f64(trimmedTo);
  const baseAt = writer.length;
  writer.append(base.packed);
  writer.list(timeline.chunks, ({ index, firstOffset }) => {
    writer.i32(index);
    writer.f64(firstOffset);
  });
  writer.list(unit.seen.indexes, (index) => writer.i32(index));
  writer.list([...unit.buckets.keys()], (date) => writer.text(date));
  const factsAt = writer.length;
  writeFacts(writer, unit.facts);
  const head = writer.finish();
  base.packed = head.subarray(baseAt, baseAt + base.packed.length);
  shareFacts(new ByteReader(head.subarray(factsAt)), unit.facts);
  return head;
}

/**
 * What only memory knows of a unit, for `decodeUnit`: with it a unit is read without looking through its pages,
 * and goes on as if it had stayed. Undefined while something waits, or for what is not worth it.
 */
export function encodeLive(unit: Unit): Uint8Array | undefined {
  const { timeline, facts, buckets } = unit;
  const isSaved = !unit.unsaved && unit.savedChunks === timeline.chunksVersion;
  const isQuiet = [...buckets.values()].every(({ unsaved, isTaskDue }) => !unsaved && !isTaskDue);
  if (!isSaved || !isQuiet || unit.refusals !== undefined || !timeline.isAtRest) return undefined;
  writer.varint(timeline.saved.base.packed.length);
  for (const { settledPending } of facts) {
    // Anything else is compared once more.
    const text = typeof settledPending === 'string' ? settledPending : undefined;
    writer.optional(text, (pending) => writer.text(pending));
  }
  timeline.writeLive(writer);
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

/** The packed base in front of what is left; without its length it is read to find its end. */
function readBase(reader: ByteReader, length: number | undefined): HeldState {
  const at = reader.position;
  if (length === undefined) readState(reader);
  else reader.pass(length);
  const base = new HeldState();
  base.packed = reader.since(at);
  return base;
}

/** Where the parts of a unit stand. */
export interface Parts {
  readonly pages: UnitPages;
  /** The saved bytes of a part; they must not change. */
  readonly part: (name: PartName) => Uint8Array | undefined;
  /** What `encodeLive` gave, when the parts are still those of then. */
  readonly live?: Uint8Array | undefined;
}

/**
 * A unit from its parts. Throws RangeError when a part that the head names is missing or damaged. Without `live`
 * cuts and the newest state come back with the next `fold`.
 */
export function decodeUnit(
  tenantId: string,
  name: string,
  { pages, part, live: rest }: Parts,
): SavedUnit {
  const required = (partName: PartName): Uint8Array => {
    const bytes = part(partName);
    if (bytes === undefined) throw new RangeError(`the saved part '${partName}' is missing`);
    return bytes;
  };
  const reader = new ByteReader(required(''));
  const live = rest && new ByteReader(rest);
  const trimmedTo = reader.f64();
  const base = readBase(reader, live?.varint());
  const pending = live && RULES.map(() => live.optional(() => live.text()));
  const named = reader.list(() => ({ index: reader.i32(), firstOffset: reader.f64() }));
  const unit = unitOf(tenantId, name, new Timeline(pages, { base, trimmedTo, live }));
  const seen = reader.list(() => reader.i32());
  const dates = reader.list(() => reader.text());
  readFacts(reader, unit.facts);
  for (const [i, facts] of unit.facts.entries()) facts.settledPending = pending?.[i];
  for (const date of dates) unit.buckets.set(date, new Bucket(date, required(`#b/${date}`)));
  const refused = part('#l/');
  if (refused !== undefined) unit.refusals = new Refusals(refused);
  unit.unsaved = false;
  const blocks = seen.map((index) => [index, required(`#s/${index}`)] as const);
  return { unit: { ...unit, seen: new Seen(blocks) }, named };
}
