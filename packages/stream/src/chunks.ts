import type { WireRecord } from './client.ts';

/** At most this many input records in one transaction. */
export const CHUNK_RECORDS = 2_000;
/** At most this many bytes of values in one transaction, unless one record alone is larger. */
export const CHUNK_BYTES: number = 1 << 20;

/** Splits records into runs that are small enough for one transaction, in order. */
export function* chunksOf(
  records: readonly WireRecord[],
  maxRecords: number = CHUNK_RECORDS,
  maxBytes: number = CHUNK_BYTES,
): Generator<readonly WireRecord[]> {
  let start = 0;
  let bytes = 0;
  for (const [index, record] of records.entries()) {
    const size = record.value?.length ?? 0;
    const full = index - start >= maxRecords || bytes + size > maxBytes;
    if (full && index > start) {
      yield records.slice(start, index);
      start = index;
      bytes = 0;
    }
    bytes += size;
  }
  if (start < records.length) yield records.slice(start);
}
