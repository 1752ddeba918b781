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

  constructor(rule: AnyRule) {
    this.#rule = rule;
  }

  /** What was published and may still change: an entry leaves when the chunk that closed it is trimmed. */
  get published(): readonly Published<unknown>[] {
    if (this.#packed === undefined) return NOTHING;
    return readPublishedList(this.#rule, new ByteReader(this.#packed));
  }

  set published(entries: readonly Published<unknown>[]) {
    this.#hasRetracted = entries.some(({ retracted }) => retracted);
    if (entries.length === 0) {
      this.#packed = undefined;
      return;
    }
    writer.list(entries, (entry) => writePublished(this.#rule, entry));
    this.#packed = writer.finish();
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
    this.#hasRetracted = this.#packed === undefined ? false : undefined;
  }

  /** The same bytes stand elsewhere: one of them is enough. */
  standsAt(packed: Uint8Array): void {
    if (this.#packed !== undefined) this.#packed = packed;
  }
}
