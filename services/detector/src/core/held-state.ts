import { ByteReader, ByteWriter } from './bytes.ts';
import { START, type FoldState } from './fold.ts';
import { readState, writeState, writeUnpacked } from './state-codec.ts';

const writer = new ByteWriter();

function packedOf(state: FoldState): Uint8Array {
  writeState(writer, state);
  return writer.finish();
}

const PACKED_START = packedOf(START);

/** A state that is seldom asked for: as objects it would be a good part of a unit's memory. */
export class HeldState {
  /** As `writeState` writes it. */
  packed: Uint8Array = PACKED_START;

  get state(): FoldState {
    return this.packed === PACKED_START ? START : readState(new ByteReader(this.packed));
  }

  set state(state: FoldState) {
    this.packed = state === START ? PACKED_START : packedOf(state);
  }

  /** Takes a state as `writePacked` wrote it. */
  take(packed: Uint8Array): void {
    writeUnpacked(writer, new ByteReader(packed));
    this.packed = writer.finish();
  }
}
