import { ByteReader, ByteWriter } from './bytes.ts';
import { isLocated } from './fix.ts';
import { readFix, readLocated, writeFix } from './fix-codec.ts';
import { Closed, type FoldState } from './fold.ts';
import type { Published } from './publication.ts';
import type { AnyRule } from './rule.ts';
import { RULES } from './rule-list.ts';
import type { Facts } from './unit.ts';

const inner = new ByteWriter();

/**
 * One section per rule, under its name and with its length: a rule that is new since the bytes were
 * written has no section, the section of one that is gone is passed over.
 */
function writeSections(
  writer: ByteWriter,
  write: (rule: AnyRule, index: number) => void,
  isEmpty: (rule: AnyRule, index: number) => boolean = () => false,
): void {
  for (const [index, rule] of RULES.entries()) {
    if (isEmpty(rule, index)) continue;
    write(rule, index);
    writer.u8(1);
    writer.text(rule.name);
    writer.bytes(inner.take());
  }
  writer.u8(0);
}

function readSections(reader: ByteReader): (rule: AnyRule) => ByteReader | undefined {
  const sections = new Map<string, Uint8Array>();
  while (reader.u8() === 1) sections.set(reader.text(), reader.bytes());
  return ({ name }) => {
    const bytes = sections.get(name);
    return bytes === undefined ? undefined : new ByteReader(bytes);
  };
}

export function writeState(writer: ByteWriter, { last, located, states, held }: FoldState): void {
  writer.optional(last, (fix) => writeFix(writer, fix));
  // Almost always the newest fix is the newest one with a position.
  writer.u8(located === last ? 1 : 0);
  if (located !== last) writer.optional(located, (fix) => writeFix(writer, fix));
  writer.list(held, (fix) => writeFix(writer, fix));
  writeSections(
    writer,
    (rule, index) => rule.writeState(inner, states[index]),
    (rule, index) => states[index] === rule.start,
  );
}

export function readState(reader: ByteReader): FoldState {
  const last = reader.optional(() => readFix(reader));
  const isLast = reader.u8() === 1;
  const located = isLast
    ? last !== undefined && isLocated(last)
      ? last
      : undefined
    : reader.optional(() => readLocated(reader));
  const held = reader.list(() => readFix(reader));
  const sectionOf = readSections(reader);
  const states = RULES.map((rule) => {
    const section = sectionOf(rule);
    return section === undefined ? rule.start : rule.readState(section);
  });
  return { last, located, states, held };
}

function writePublished(rule: AnyRule, entry: Published<unknown>): void {
  inner.id(entry.id);
  inner.f64(entry.firstStart);
  inner.u32(entry.ordinal);
  inner.f64(entry.revision);
  inner.u8(entry.retracted ? 1 : 0);
  rule.writeCut(inner, entry.cut);
}

function readPublished(rule: AnyRule, reader: ByteReader): Published<unknown> {
  return {
    id: reader.id(),
    firstStart: reader.f64(),
    ordinal: reader.u32(),
    revision: reader.f64(),
    retracted: reader.u8() === 1,
    cut: rule.readCut(reader),
  };
}

/** What the fixes of a chunk closed. */
export function writeClosed(writer: ByteWriter, closed: Closed): void {
  writer.u8(closed.count > 0 ? 1 : 0);
  if (closed.count === 0) return;
  writeSections(
    writer,
    (rule, index) => {
      inner.list(closed.of(index), (cut) => rule.writeCut(inner, cut));
    },
    (_, index) => closed.of(index).length === 0,
  );
}

/** The counterpart of `writeClosed`. */
export function readClosed(reader: ByteReader): Closed {
  const closed = new Closed();
  if (reader.u8() === 0) return closed;
  const sectionOf = readSections(reader);
  for (const [index, rule] of RULES.entries()) {
    const section = sectionOf(rule);
    const cuts = section?.list(() => rule.readCut(section)) ?? [];
    if (cuts.length > 0) closed.add(index, cuts);
  }
  return closed;
}

/** What the rules published and refused. */
export function writeFacts(writer: ByteWriter, facts: readonly Facts[]): void {
  writeSections(
    writer,
    (rule, index) => {
      const { published = [], refused = [] } = facts[index] ?? {};
      inner.list(refused, (start) => inner.f64(start));
      inner.list(published, (entry) => writePublished(rule, entry));
    },
    (_, index) => facts[index]?.published.length === 0 && facts[index].refused.length === 0,
  );
}

/** The counterpart of `writeFacts`; fills what is there. */
export function readFacts(reader: ByteReader, facts: readonly Facts[]): void {
  const sectionOf = readSections(reader);
  for (const [index, rule] of RULES.entries()) {
    const section = sectionOf(rule);
    const entry = facts[index];
    if (section === undefined || entry === undefined) continue;
    entry.refused = section.list(() => section.f64());
    entry.published = section.list(() => readPublished(rule, section));
  }
}
