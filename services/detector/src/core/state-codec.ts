import { ByteReader, ByteWriter } from './bytes.ts';
import { isLocated, type Fix } from './fix.ts';
import { passFix, readFix, readLocated, USUAL, writeFix } from './fix-codec.ts';
import { Closed, type FoldState } from './fold.ts';
import { Facts } from './facts.ts';
import type { AnyRule } from './rule.ts';
import { RULES } from './rule-list.ts';

const inner = new ByteWriter();
const outer = new ByteWriter();
/** One reader stays alive: without any, V8 throws away what it compiled for them. */
const sectionReader = new ByteReader(new Uint8Array(0));

/**
 * One section per rule, under its name and with its length: a rule that is new since the bytes were
 * written has no section, the section of one that is gone is passed over. Fixes of a section differ from
 * `before`, so that none needs another section.
 */
function writeSections(
  writer: ByteWriter,
  write: (rule: AnyRule, index: number) => void,
  isEmpty: (rule: AnyRule, index: number) => boolean,
  before?: Fix,
): void {
  for (const [index, rule] of RULES.entries()) {
    if (isEmpty(rule, index)) continue;
    inner.before = before;
    write(rule, index);
    writer.u8(1);
    writer.text(rule.name);
    writer.bytes(inner.take());
  }
  writer.u8(0);
}

function readSections(reader: ByteReader, before?: Fix): (rule: AnyRule) => ByteReader | undefined {
  const sections = new Map<string, Uint8Array>();
  while (reader.u8() === 1) sections.set(reader.text(), reader.bytes());
  return ({ name }) => {
    const bytes = sections.get(name);
    if (bytes === undefined) return undefined;
    const section = new ByteReader(bytes);
    section.before = before;
    return section;
  };
}

/** Sections that are written already, by position in `RULES`, as `writeSections` writes them. */
function writeNamed(writer: ByteWriter, sections: readonly (Uint8Array | undefined)[]): void {
  for (const [index, { name }] of RULES.entries()) {
    const bytes = sections[index];
    if (bytes === undefined) continue;
    writer.u8(1);
    writer.text(name);
    writer.bytes(bytes);
  }
  writer.u8(0);
}

type Border = Omit<FoldState, 'states'>;

function writeBorder(writer: ByteWriter, { last, located, held }: Border): void {
  writer.optional(last, (fix) => writeFix(writer, fix));
  // Almost always the newest fix is the newest one with a position.
  writer.u8(located === last ? 1 : 0);
  if (located !== last) writer.optional(located, (fix) => writeFix(writer, fix));
  writer.list(held, (fix) => writeFix(writer, fix));
}

export function writeState(writer: ByteWriter, state: FoldState): void {
  const { last, states } = state;
  writeBorder(writer, state);
  writeSections(
    writer,
    (rule, index) => rule.writeState(inner, states[index]),
    (rule, index) => states[index] === rule.start,
    last,
  );
}

/** What stands in front of the rules' sections. */
function readBorder(reader: ByteReader): Border {
  const last = reader.optional(() => readFix(reader));
  const isLast = reader.u8() === 1;
  const located = isLast
    ? last !== undefined && isLocated(last)
      ? last
      : undefined
    : reader.optional(() => readLocated(reader));
  return { last, located, held: reader.list(() => readFix(reader)) };
}

export function readState(reader: ByteReader): FoldState {
  const { last, located, held } = readBorder(reader);
  const sectionOf = readSections(reader, last);
  const states = RULES.map((rule) => {
    const section = sectionOf(rule);
    return section === undefined ? rule.start : rule.readState(section);
  });
  return { last, located, states, held };
}

/**
 * A state for code that has the same rules: the front (what no rule keeps) with its length, then per rule that
 * has seen something its position plus 1, its length and its section; 0.
 */
export function writePacked(writer: ByteWriter, state: FoldState): void {
  const { last, states } = state;
  inner.before = USUAL;
  writeBorder(inner, state);
  writer.bytes(inner.take());
  for (const [index, rule] of RULES.entries()) {
    if (states[index] === rule.start) continue;
    inner.before = last;
    rule.writeState(inner, states[index]);
    writer.u8(index + 1);
    writer.bytes(inner.take());
  }
  writer.u8(0);
}

/** A state as `writePacked` writes it, by its parts. */
export interface Parts {
  readonly front: Uint8Array;
  /** By position in `RULES`; undefined for a rule that has seen nothing. */
  readonly sections: (Uint8Array | undefined)[];
}

export function partsOf(reader: ByteReader): Parts {
  const front = reader.bytes();
  const sections: (Uint8Array | undefined)[] = RULES.map(() => undefined);
  for (let code = reader.u8(); code > 0; code = reader.u8()) sections[code - 1] = reader.bytes();
  return { front, sections };
}

/** The state of the rule at that position; `last` is the newest fix of the front. */
export function stateAt(index: number, { sections }: Parts, last: Fix | undefined): unknown {
  const [rule, section] = [RULES[index], sections[index]];
  if (rule === undefined || section === undefined) return rule?.start;
  sectionReader.look(section);
  sectionReader.before = last;
  return rule.readState(sectionReader);
}

/** Time of the newest fix of a front, ms; 0 without one, as the fixes of sections are told by it. */
export function newestTimeOf(front: Uint8Array): number {
  const reader = new ByteReader(front);
  return reader.u8() === 0 ? 0 : passFix(reader);
}

function readFront({ front }: Parts): Border {
  const reader = new ByteReader(front);
  reader.before = USUAL;
  return readBorder(reader);
}

/** The newest fix of a front. */
export function lastOf(parts: Parts): Fix | undefined {
  return readFront(parts).last;
}

/** The counterpart of `writePacked`. */
export function readPacked(reader: ByteReader): FoldState {
  const parts = partsOf(reader);
  const { last, located, held } = readFront(parts);
  return { last, located, states: RULES.map((_, index) => stateAt(index, parts, last)), held };
}

/** What `writePacked` wrote, as `writeState` writes it: only the front is another, the sections are the same. */
export function writeUnpacked(writer: ByteWriter, packed: ByteReader): void {
  const parts = partsOf(packed);
  writeBorder(writer, readFront(parts));
  writeNamed(writer, parts.sections);
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

/** What `writeClosed` wrote, or nothing, with other cuts of the rule at that position. */
export function withCuts(closed: Uint8Array, index: number, cuts: readonly unknown[]): Uint8Array {
  const reader = new ByteReader(closed);
  const sectionOf = reader.u8() === 0 ? undefined : readSections(reader);
  const sections = RULES.map((rule) => sectionOf?.(rule)?.rest);
  inner.before = undefined;
  inner.list(cuts, (cut) => RULES[index]?.writeCut(inner, cut));
  const section = inner.finish();
  sections[index] = cuts.length === 0 ? undefined : section;
  const isEmpty = sections.every((section) => section === undefined);
  outer.u8(isEmpty ? 0 : 1);
  if (isEmpty) return outer.finish();
  writeNamed(outer, sections);
  return outer.finish();
}

/** Of what `writeClosed` wrote the rules that have cuts, one bit each by position. */
export function rulesIn(reader: ByteReader): number {
  if (reader.u8() === 0) return 0;
  const sectionOf = readSections(reader);
  let rules = 0;
  for (const [index, rule] of RULES.entries()) {
    if (sectionOf(rule) !== undefined) rules |= 1 << index;
  }
  return rules;
}

/** Of what `writeClosed` wrote the cuts of the rule at that position. */
export function readCutsOf(reader: ByteReader, index: number): readonly unknown[] {
  const rule = RULES[index];
  if (rule === undefined || reader.u8() === 0) return [];
  while (reader.u8() === 1) {
    const isIt = reader.isText(rule.name);
    const section = reader.bytes();
    if (!isIt) continue;
    const cuts = new ByteReader(section);
    return cuts.list(() => rule.readCut(cuts));
  }
  return [];
}

/** What the rules published and refused. */
export function writeFacts(writer: ByteWriter, facts: readonly Facts[]): void {
  writeSections(
    writer,
    (rule, index) => {
      const { refused, packed } = facts[index] ?? new Facts(rule);
      inner.list(refused, (start) => inner.f64(start));
      inner.append(packed);
    },
    (_, index) => facts[index]?.isEmpty === true && facts[index].refused.length === 0,
  );
}

/** The counterpart of `writeFacts`; fills what is there with views of these bytes. */
export function readFacts(reader: ByteReader, facts: readonly Facts[]): void {
  const sectionOf = readSections(reader);
  for (const [index, rule] of RULES.entries()) {
    const section = sectionOf(rule);
    const entry = facts[index];
    if (section === undefined || entry === undefined) continue;
    entry.refused = section.list(() => section.f64());
    entry.packed = section.rest;
  }
}

/** These bytes say what `facts` say: what was published is kept there alone. */
export function shareFacts(reader: ByteReader, facts: readonly Facts[]): void {
  const sectionOf = readSections(reader);
  for (const [index, rule] of RULES.entries()) {
    const section = sectionOf(rule);
    if (section === undefined) continue;
    section.list(() => section.f64());
    facts[index]?.standsAt(section.rest);
  }
}
