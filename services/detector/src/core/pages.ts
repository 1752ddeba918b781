/** Where bytes of a unit stand outside the changelog: a buffer of the stream, or memory. */
export interface Pages {
  readonly length: () => number;
  /** The bytes from `from` to `to`, exclusive; good until the next change. */
  readonly read: (from: number, to: number) => Uint8Array;
  readonly append: (bytes: Uint8Array) => void;
  readonly set: (bytes: Uint8Array) => void;
  readonly dropFront: (count: number) => void;
  /** Nobody will ask for a while: bytes may be kept in less room. Only while records are handled. */
  readonly rest: () => void;
}

/** What a unit keeps in pages. */
export interface UnitPages {
  /** Packed quarters, all but the newest. */
  readonly sealed: Pages;
  /** The newest quarter. */
  readonly open: Pages;
  /** States between quarters and what these closed. */
  readonly checkpoints: Pages;
}

/** Pages in memory: for a detector that is not part of a stream. */
export function memoryPages(): UnitPages {
  return { sealed: ownPages(), open: ownPages(), checkpoints: ownPages() };
}

function ownPages(): Pages {
  let bytes = new Uint8Array(0);
  let [start, end] = [0, 0];
  return {
    length: () => end - start,
    read: (from, to) => bytes.subarray(start + from, Math.min(start + to, end)),
    append: (added) => {
      if (end + added.length > bytes.length) {
        const grown = new Uint8Array(2 * (end - start + added.length));
        grown.set(bytes.subarray(start, end));
        bytes = grown;
        [start, end] = [0, end - start];
      }
      bytes.set(added, end);
      end += added.length;
    },
    set: (all) => {
      bytes = all.slice();
      [start, end] = [0, all.length];
    },
    dropFront: (count) => {
      start = Math.min(end, start + count);
    },
    rest: () => undefined,
  };
}
