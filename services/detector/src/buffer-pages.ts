import type { KeyedBuffers } from '@waybill/stream';
import type { Pages, UnitPages } from './core/pages.ts';
import { PackedPages } from './packed-pages.ts';

/** Version of the bytes in the buffers: a snapshot of another one is not read, the input is. */
export const BUFFER_LAYOUT = 4;

/** One key of the buffers, as it is. */
class BufferPages implements Pages {
  readonly #buffers: KeyedBuffers;
  readonly #key: string;

  constructor(buffers: KeyedBuffers, key: string) {
    this.#buffers = buffers;
    this.#key = key;
  }

  length(): number {
    return this.#buffers.length(this.#key);
  }

  read(from: number, to: number): Uint8Array {
    return this.#buffers.read(this.#key, from, to);
  }

  append(bytes: Uint8Array): void {
    this.#buffers.append(this.#key, bytes);
  }

  set(bytes: Uint8Array): void {
    this.#buffers.set(this.#key, bytes);
  }

  dropFront(count: number): void {
    if (count > 0) this.#buffers.dropFront(this.#key, count);
  }

  rest(): void {
    // Bytes that change with every fix are not worth packing.
  }
}

/** The pages of a unit: `<tenant>/<unit>`, its newest quarter `…#o`, its checkpoints `…#c`. */
export function bufferPages(buffers: KeyedBuffers, key: string): UnitPages {
  return {
    sealed: new PackedPages(new BufferPages(buffers, key)),
    open: new BufferPages(buffers, `${key}#o`),
    checkpoints: new PackedPages(new BufferPages(buffers, `${key}#c`)),
  };
}
