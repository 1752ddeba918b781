import { Closed } from './fold.ts';
import { ALL_RULES } from './pair.ts';

/** What the chunks closed since somebody asked. Sets of rules are one bit per rule, by position. */
export interface Moved {
  /** Of these the cuts may be others, or more, than they were. */
  readonly rules: number;
  /** Of these what was closed before may have changed. */
  readonly recut: number;
  /** Cuts that came behind all others; of the other rules all that is new. */
  readonly appended: Closed;
}

const NOTHING: Moved = Object.freeze({ rules: 0, recut: 0, appended: new Closed() });

/** Gathers it; of what was not seen from the beginning anything may have moved. */
export class MovedCuts {
  #rules: number;
  #recut: number;
  #appended = new Closed();

  constructor(isSeen: boolean) {
    this.#rules = isSeen ? 0 : ALL_RULES;
    this.#recut = this.#rules;
  }

  get isNothing(): boolean {
    return this.#rules === 0;
  }

  /** T closes other cuts of these rules now. */
  note(rules: number): void {
    this.#rules |= rules;
  }

  /** The chunks closed other cuts of these rules. */
  noteRecut(rules: number): void {
    this.#rules |= rules;
    this.#recut |= rules;
  }

  /** Where cuts are added that come behind all others; `noteAppended` follows. */
  get appended(): Closed {
    return this.#appended;
  }

  noteAppended(): void {
    this.#rules |= this.#appended.rules;
  }

  /** What moved since the last call. */
  take(): Moved {
    if (this.isNothing) return NOTHING;
    const moved = { rules: this.#rules, recut: this.#recut, appended: this.#appended };
    this.#rules = 0;
    this.#recut = 0;
    if (!this.#appended.isEmpty) this.#appended = new Closed();
    return moved;
  }
}
