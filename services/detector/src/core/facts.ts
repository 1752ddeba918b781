import { ByteReader, ByteWriter } from './bytes.ts';
import type { Published } from './publication.ts';
import type { AnyRule } from './rule.ts';

const writer = new ByteWriter();
const NOTHING: readonly never[] = Object.freeze([]);
/** An empty list, packed. */
const EMPTY = new Uint8Array(1);

function writePublished(rule: AnyRule, entry: Published<unknown>): void {
  writer.id(entry.id);
  writer.real(entry.firstStart);
  writer.varint(entry.ordinal);
  writer.real(entry.revision);
  writer.u8(entry.retracted ? 1 : 0);
  rule.writeCut(writer, entry.cut);
}

function readPublished(rule: AnyRule, reader: ByteReader): Published<unknown> {
  return {
    id: reader.id(),
    firstStart: reader.real(),
    ordinal: reader.varint(),
    revision: reader.real(),
    retracted: reader.u8() === 1,
    cut: rule.readCut(reader),
  };
}

/** What was published, as a list of bytes: the counterpart of `Facts.packed`. */
export function readPublishedList(rule: AnyRule, reader: ByteReader): Published<unknown>[] {
  return reader.list(() => readPublished(rule, reader));
}

/**
 * The front of a published list: entries of cuts that stand closed, and withdrawn ones. A cut that begins behind
 * all of them has nothing to do with any, so they need not be read for it.
 */
export interface Settled {
  readonly count: number;
  /** Bytes of them, behind the count of the list. */
  readonly size: number;
  /** Latest start, end and first start of any, ms. */
  readonly upTo: number;
  /** What the fixes behind them are told by. */
  readonly before: unknown;
}

const NOTHING_SETTLED: Settled = { count: 0, size: 0, upTo: -Infinity, before: undefined };

/** A published list in two parts. */
export interface Divided {
  /** See Settled; ascending by start. */
  readonly settled: readonly Published<unknown>[];
  readonly loose: readonly Published<unknown>[];
}

/**
 * What one rule has said about a unit. What was published is held packed and unpacked at each call: it is
 * looked at when a fact comes or goes, a few times an hour, and as objects it would be most of the memory.
 */
export class Facts {
  /** Starts of reported cuts that cannot be published, ms. */
  refused: readonly number[] = NOTHING;
  /** `pending` of the rule when the published set was last compared. */
  settledPending: unknown = undefined;
  /** Whether some of what was published was withdrawn; undefined until it is asked for. */
  #hasRetracted: boolean | undefined = false;
  readonly #rule: AnyRule;
  #packed: Uint8Array | undefined;
  #front: Settled | undefined;

  constructor(rule: AnyRule) {
    this.#rule = rule;
  }

  /** What was published and may still change: an entry leaves when the chunk that closed it is trimmed. */
  get published(): readonly Published<unknown>[] {
    if (this.#packed === undefined) return NOTHING;
    return readPublishedList(this.#rule, new ByteReader(this.#packed));
  }

  set published(entries: readonly Published<unknown>[]) {
    this.#hasRetracted = false;
    this.put(undefined, { settled: [], loose: entries });
    this.#front = undefined;
  }

  /** Undefined when it is not known what of the list is settled. */
  get front(): Settled | undefined {
    return this.#front;
  }

  /** What stands behind the front. */
  behind({ count, size, before }: Settled): readonly Published<unknown>[] {
    if (this.#packed === undefined) return NOTHING;
    const reader = new ByteReader(this.#packed);
    const all = reader.varint();
    reader.pass(size);
    reader.before = before;
    return this.#read(reader, all - count);
  }

  #read(reader: ByteReader, count: number): Published<unknown>[] {
    return Array.from({ length: count }, () => readPublished(this.#rule, reader));
  }

  /** Puts others behind the front; without one, in the place of all. */
  put(front: Settled | undefined, { settled, loose }: Divided): void {
    const { count, size, upTo, before } = front ?? NOTHING_SETTLED;
    const all = count + settled.length + loose.length;
    this.#front = NOTHING_SETTLED;
    if (front === undefined) this.#hasRetracted = false;
    if (all === 0) {
      this.#packed = undefined;
      return;
    }
    writer.varint(all);
    const start = writer.length;
    if (size > 0) writer.append(this.#bytesAt(0, size));
    writer.before = before;
    this.#front = this.#write(settled, { count, start, upTo });
    for (const entry of loose) this.#writeEntry(entry);
    this.#packed = writer.finish();
  }

  /**
   * Takes out what is not kept and returns it; of what begins behind `lastStart`, ms, all is. Mostly that is the
   * beginning of the front: the rest stays as bytes.
   */
  letGo(
    isKept: (entry: Published<unknown>) => boolean,
    lastStart: number,
  ): readonly Published<unknown>[] {
    const [front, packed] = [this.#front, this.#packed];
    if (packed === undefined) return NOTHING;
    if (front === undefined || this.hasRetracted) {
      const { published } = this;
      const settled = front === undefined ? [] : published.slice(0, front.count).filter(isKept);
      const loose = published.slice(front?.count ?? 0).filter(isKept);
      this.put(undefined, { settled, loose });
      if (front === undefined) this.#front = undefined;
      return published.filter((entry) => !isKept(entry));
    }
    return this.#cutFront(isKept, lastStart, { front, packed });
  }

  #cutFront(
    isKept: (entry: Published<unknown>) => boolean,
    lastStart: number,
    { front, packed }: { readonly front: Settled; readonly packed: Uint8Array },
  ): readonly Published<unknown>[] {
    const reader = new ByteReader(packed);
    const all = reader.varint();
    const end = reader.position + front.size;
    const { intervalOf } = this.#rule.publication;
    const kept: Published<unknown>[] = [];
    const gone: Published<unknown>[] = [];
    let isPast = false;
    for (let at = 0; at < front.count && !isPast; at += 1) {
      const entry = readPublished(this.#rule, reader);
      // Told by the one before it: the first that stays behind a gap is written again.
      isPast = intervalOf(entry.cut).from > lastStart;
      (isKept(entry) ? kept : gone).push(entry);
    }
    if (gone.length === 0) return gone;
    if (reader.position === end) {
      this.put(undefined, { settled: kept, loose: this.behind(front) });
      return gone;
    }
    writer.varint(all - gone.length);
    const start = writer.length;
    for (const entry of kept) this.#writeEntry(entry);
    const rest = packed.subarray(reader.position, end);
    writer.append(rest);
    const size = writer.length - start;
    this.#front = { ...front, count: front.count - gone.length, size };
    writer.append(packed.subarray(end));
    this.#packed = writer.finish();
    return gone;
  }

  /** Bytes of entries, from inclusive to exclusive. */
  #bytesAt(from: number, to: number): Uint8Array {
    const reader = new ByteReader(this.packed);
    reader.varint();
    const { position } = reader;
    return this.packed.subarray(position + from, position + to);
  }

  #writeEntry(entry: Published<unknown>): void {
    if (entry.retracted) this.#hasRetracted = true;
    writePublished(this.#rule, entry);
  }

  /** Writes what is settled behind what stands there. */
  #write(
    entries: readonly Published<unknown>[],
    there: { readonly count: number; readonly start: number; readonly upTo: number },
  ): Settled {
    let { upTo } = there;
    for (const entry of entries) {
      this.#writeEntry(entry);
      const { from, to } = this.#rule.publication.intervalOf(entry.cut);
      upTo = Math.max(upTo, entry.firstStart, from, to);
    }
    const size = writer.length - there.start;
    return { count: there.count + entries.length, size, upTo, before: writer.before };
  }

  /** Nothing was published, or all of it was let go. */
  get isEmpty(): boolean {
    return this.#packed === undefined;
  }

  /** Some of what was published was withdrawn. */
  get hasRetracted(): boolean {
    this.#hasRetracted ??= this.published.some(({ retracted }) => retracted);
    return this.#hasRetracted;
  }

  /** See `readPublishedList`. */
  get packed(): Uint8Array {
    return this.#packed ?? EMPTY;
  }

  /** Takes what was published, packed, as a view of bytes that nobody changes. */
  set packed(packed: Uint8Array) {
    this.#packed = packed.length > EMPTY.length ? packed : undefined;
    this.#front = undefined;
    this.#hasRetracted = this.#packed === undefined ? false : undefined;
  }

  /** The same bytes stand elsewhere: one of them is enough. */
  standsAt(packed: Uint8Array): void {
    if (this.#packed !== undefined) this.#packed = packed;
  }
}
