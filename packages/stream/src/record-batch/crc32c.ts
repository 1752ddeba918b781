/** CRC-32C (Castagnoli), reflected: the checksum of record batches; node:zlib's crc32 is another one. */
const POLYNOMIAL = 0x82f63b78;
const SLICES = 16;

/** Table s holds the effect of a byte that is followed by s zero bytes; all in one array. */
function slicingTables(): Int32Array {
  const tables = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[byte] = crc;
  }
  for (let at = 256; at < tables.length; at += 1) {
    const shorter = tables[at - 256] ?? 0;
    tables[at] = (tables[shorter & 255] ?? 0) ^ (shorter >>> 8);
  }
  return tables;
}

const tables = slicingTables();

/** The effect of a little-endian word whose first byte is followed by `slice` bytes of the block. */
function wordEffect(word: number, slice: number): number {
  const at = slice << 8;
  return (
    (tables[at + (word & 255)] ?? 0) ^
    (tables[at - 256 + ((word >>> 8) & 255)] ?? 0) ^
    (tables[at - 512 + ((word >>> 16) & 255)] ?? 0) ^
    (tables[at - 768 + (word >>> 24)] ?? 0)
  );
}

/** CRC-32C of the bytes from `start` to before `end`, as an unsigned number; 16 bytes per step. */
export function crc32c(view: DataView, start: number, end: number): number {
  let crc = -1;
  let at = start;
  for (; at + SLICES <= end; at += SLICES) {
    crc =
      wordEffect(crc ^ view.getInt32(at, true), 15) ^
      wordEffect(view.getInt32(at + 4, true), 11) ^
      wordEffect(view.getInt32(at + 8, true), 7) ^
      wordEffect(view.getInt32(at + 12, true), 3);
  }
  for (; at < end; at += 1) crc = (tables[(crc ^ view.getUint8(at)) & 255] ?? 0) ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** A view on the very bytes of a buffer; its reads throw a RangeError beyond the end. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
