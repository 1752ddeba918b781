import { ByteReader, ByteWriter } from './bytes.ts';

const writer = new ByteWriter();

/** Offsets of the input, both inclusive, between which everything new of the unit was refused. */
interface Span {
  readonly from: number;
  readonly to: number;
  /** Device time of the newest one that was refused, ms. */
  readonly newest: number;
}

/**
 * Which positions of a unit were refused because it held as many as it may. A restart reads them again when
 * there may be room: taken then, they would change what was published and keep out those that found room.
 *
 * Spans ascend; the last one grows while it is open, that is until a position is taken.
 */
export class Refusals {
  #spans: Span[];
  #isOpen = false;
  /** Of all that it was told of, the newest offset. */
  #newestOffset: number;
  /** The changelog does not have it. */
  unsaved = false;

  /** `saved` is what `save` gave; throws RangeError when it is damaged. */
  constructor(saved?: Uint8Array) {
    const reader = saved === undefined ? undefined : new ByteReader(saved);
    this.#spans =
      reader?.list(() => ({ from: reader.f64(), to: reader.f64(), newest: reader.f64() })) ?? [];
    this.#newestOffset = this.#spans.at(-1)?.to ?? -1;
  }

  get isEmpty(): boolean {
    return this.#spans.length === 0;
  }

  /**
   * The record of that offset was refused; `time` is the position's, ms. What is older than `knownOffset`, an
   * offset that was handled, is handled again.
   */
  refuse(offset: number, time: number, knownOffset: number): void {
    this.unsaved = true;
    const isNew = offset > Math.max(this.#newestOffset, knownOffset);
    this.#newestOffset = Math.max(this.#newestOffset, offset);
    const last = this.#spans.at(-1);
    if (last !== undefined && this.#isOpen && isNew) {
      const newest = Math.max(last.newest, time);
      this.#spans[this.#spans.length - 1] = { from: last.from, to: offset, newest };
      return;
    }
    this.#isOpen = isNew;
    // Only a rework comes back to older ones.
    if (this.has(offset)) return;
    this.#spans.push({ from: offset, to: offset, newest: time });
    this.#spans.sort((a, b) => a.from - b.from);
  }

  /** There was room for the record of that offset: a later one, or one that is handled again. */
  take(offset: number): void {
    this.#isOpen = false;
    this.#newestOffset = Math.max(this.#newestOffset, offset);
    const at = this.#spans.findIndex(({ from, to }) => from <= offset && offset <= to);
    const span = this.#spans[at];
    if (span === undefined) return;
    const parts = [
      { ...span, to: offset - 1 },
      { ...span, from: offset + 1 },
    ];
    this.#spans.splice(at, 1, ...parts.filter(({ from, to }) => from <= to));
    this.unsaved = true;
  }

  has(offset: number): boolean {
    return this.#spans.some(({ from, to }) => from <= offset && offset <= to);
  }

  /** Forgets those before `time`, ms: nothing older is taken any more. */
  trim(time: number): void {
    const kept = this.#spans.filter(({ newest }) => newest >= time);
    if (kept.length === this.#spans.length) return;
    this.#spans = kept;
    this.#isOpen = false;
    this.unsaved = true;
  }

  save(): Uint8Array {
    this.unsaved = false;
    writer.list(this.#spans, ({ from, to, newest }) => {
      for (const number of [from, to, newest]) writer.f64(number);
    });
    return writer.finish();
  }
}
