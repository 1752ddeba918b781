const FIRST_CAPACITY = 4096;

/** Registered messages in columns, 13 bytes each: a run of days has millions of them. */
export class Columns {
  #size = 0;
  #units = new Uint32Array(FIRST_CAPACITY);
  #times = new Int32Array(FIRST_CAPACITY);
  #registered = new Int32Array(FIRST_CAPACITY);
  #silent = new Uint8Array(FIRST_CAPACITY);

  get size(): number {
    return this.#size;
  }

  /** Appends a message; times are seconds since the store's base. Gives its number. */
  push(unit: number, t: number, rt: number, silent: boolean): number {
    if (this.#size === this.#units.length) this.#grow();
    const g = this.#size++;
    this.#units[g] = unit;
    this.#times[g] = t;
    this.#registered[g] = rt;
    this.#silent[g] = silent ? 1 : 0;
    return g;
  }

  /** Index of the unit of message g. */
  unit(g: number): number {
    return this.#units[g] ?? 0;
  }

  time(g: number): number {
    return this.#times[g] ?? 0;
  }

  registered(g: number): number {
    return this.#registered[g] ?? 0;
  }

  isSilent(g: number): boolean {
    return this.#silent[g] === 1;
  }

  #grow(): void {
    const capacity = this.#units.length * 2;
    const grown = <A extends Uint32Array | Int32Array | Uint8Array>(made: A, old: A): A => {
      made.set(old);
      return made;
    };
    this.#units = grown(new Uint32Array(capacity), this.#units);
    this.#times = grown(new Int32Array(capacity), this.#times);
    this.#registered = grown(new Int32Array(capacity), this.#registered);
    this.#silent = grown(new Uint8Array(capacity), this.#silent);
  }
}
