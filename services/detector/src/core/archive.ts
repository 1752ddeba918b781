import { ByteReader, ByteWriter } from './bytes.ts';
import { Facts } from './facts.ts';
import type { Interval } from './inherit.ts';
import type { Published } from './publication.ts';
import { RULES } from './rule-list.ts';
import type { Released } from './settle-facts.ts';
import { readFacts, writeFacts } from './state-codec.ts';

const DAY_MS = 86_400_000;

/** How long what was published is remembered after no fix can change it any more, days of event time. */
export const ARCHIVE_DAYS = 10;

const writer = new ByteWriter();

/** Published facts, one list per rule of `RULES`. */
export type PublishedFacts = Released;

/** The day (UTC, since 1970) under which a fact is kept: that of its start. */
export function archiveDay(time: number): number {
  return Math.floor(time / DAY_MS);
}

function factsOf(published: PublishedFacts): Facts[] {
  return RULES.map((rule, i) => {
    const facts = new Facts(rule);
    facts.published = published[i] ?? [];
    return facts;
  });
}

/** Facts as bytes; the counterpart of `readArchive`. */
export function writeArchive(published: PublishedFacts): Uint8Array {
  writeFacts(writer, factsOf(published));
  return writer.finish();
}

/** Throws RangeError for bytes that are damaged. */
export function readArchive(bytes: Uint8Array | undefined): PublishedFacts {
  const facts = factsOf([]);
  if (bytes !== undefined) readFacts(new ByteReader(bytes), facts);
  return facts.map(({ published }) => published);
}

/** Start and end of a fact of the rule at that position; Infinity while it is open. */
export function intervalOf(rule: number, entry: Published<unknown>): Interval {
  return RULES[rule]?.publication.intervalOf(entry.cut) ?? { from: 0, to: 0 };
}

/** The facts of both lists; of two versions of one fact the newer. */
export function merged(old: PublishedFacts, added: PublishedFacts): PublishedFacts {
  return RULES.map((_, i) => {
    const byId = new Map((old[i] ?? []).map((entry) => [entry.id, entry]));
    for (const entry of added[i] ?? []) {
      const known = byId.get(entry.id);
      if (known === undefined || known.revision < entry.revision) byId.set(entry.id, entry);
    }
    return [...byId.values()];
  });
}

/** Facts by the day under which they are kept. */
export function byDay(published: PublishedFacts): ReadonlyMap<number, PublishedFacts> {
  const days = new Map<number, Published<unknown>[][]>();
  for (const [i, entries] of published.entries()) {
    for (const entry of entries) {
      const day = archiveDay(intervalOf(i, entry).from);
      const lists = days.get(day) ?? RULES.map(() => []);
      lists[i]?.push(entry);
      days.set(day, lists);
    }
  }
  return days;
}
