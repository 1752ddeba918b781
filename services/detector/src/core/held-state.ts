import { ByteReader, ByteWriter } from './bytes.ts';
import { START, type FoldState } from './fold.ts';
import { readState, writeState } from './state-codec.ts';

const writer = new ByteWriter();

/** A state that is seldom asked for: as objects it would be a good part of a unit's memory. */
export class HeldState {
  /** Undefined for `START`. */
  #packed: Uint8Array | undefined;

  get state(): FoldState {
    return this.#packed === undefined ? START : readState(new ByteReader(this.#packed));
  }

  set state(state: FoldState) {
    this.#packed = undefined;
    if (state === START) return;
    writeState(writer, state);
    this.#packed = writer.finish();
  }
}
