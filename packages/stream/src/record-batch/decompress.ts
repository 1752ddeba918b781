import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { streamFault } from '../errors.ts';
import { GZIP, ZSTD } from './layout.ts';

/** A batch is at most 1 MiB compressed; more than this is a mistake or an attack. */
const MAX_RECORD_BYTES = 64 << 20;

const NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/**
 * The records of a compressed batch. Throws a Fault `BATCH_UNREADABLE` for snappy and lz4, which Node
 * does not bring.
 */
export function decompress(codec: number, bytes: Uint8Array): Buffer {
  const limit = { maxOutputLength: MAX_RECORD_BYTES };
  try {
    if (codec === GZIP) return gunzipSync(bytes, limit);
    if (codec === ZSTD) return zstdDecompressSync(bytes, limit);
  } catch (error) {
    throw streamFault('BATCH_UNREADABLE', 'decode', `${NAMES[codec]}: ${String(error)}`, error);
  }
  throw streamFault(
    'BATCH_UNREADABLE',
    'decode',
    `expected batches without compression or with gzip or zstd, found ${NAMES[codec] ?? codec}: set compression.type of the topic`,
  );
}
