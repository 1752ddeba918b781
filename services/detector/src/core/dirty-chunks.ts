/**
 * Which chunks are to be folded again, by index: the times of the fixes that were added to a folded one,
 * undefined for all of it; and the one from which on all are.
 */
export class DirtyChunks {
  readonly #dirty = new Map<number, Set<number> | undefined>();
  #allFrom = Infinity;

  get isEmpty(): boolean {
    return this.#dirty.size === 0 && this.#allFrom === Infinity;
  }

  /** Some are dirty whatever was added to them. */
  get hasAllFrom(): boolean {
    return this.#allFrom !== Infinity;
  }

  has(index: number): boolean {
    return index >= this.#allFrom || this.#dirty.has(index);
  }

  /** The fixes that were added to a chunk since it was folded; undefined when all of it is to be folded. */
  addedTo(index: number): ReadonlySet<number> | undefined {
    return index >= this.#allFrom ? undefined : this.#dirty.get(index);
  }

  /** All of a chunk is to be folded. */
  mark(index: number): void {
    this.#dirty.set(index, undefined);
  }

  /** A fix was added to a chunk. */
  markAdded(index: number, time: number): void {
    const added = this.#dirty.get(index);
    if (added !== undefined) added.add(time);
    else if (!this.#dirty.has(index)) this.#dirty.set(index, new Set([time]));
  }

  /** All chunks from that one on are to be folded. */
  markFrom(index: number): void {
    this.#allFrom = index;
  }

  /** A chunk is being folded. */
  delete(index: number): void {
    this.#dirty.delete(index);
  }

  clear(): void {
    this.#dirty.clear();
    this.#allFrom = Infinity;
  }
}
