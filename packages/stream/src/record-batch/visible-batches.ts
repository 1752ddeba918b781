import { streamFault } from '../errors.ts';
import { crc32c, viewOf } from './crc32c.ts';
import { decompress } from './decompress.ts';
import { RecordCursor, type VisibleBatch } from './record-cursor.ts';
import { at, CODEC_MASK, CONTROL, LENGTH_OVERHEAD, MAGIC, TRANSACTIONAL } from './layout.ts';

/** A transaction that ended with an abort, as the broker lists it beside the records. */
export interface AbortedTransaction {
  readonly producerId: string;
  readonly firstOffset: string;
}

export interface VisibleBatches {
  readonly batches: readonly VisibleBatch[];
  /** The offset behind the last whole batch, markers included; undefined when there is none. */
  readonly next: number | undefined;
}

interface Header {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly baseTimestamp: number;
  readonly attributes: number;
  readonly producerId: bigint;
  readonly count: number;
  readonly start: number;
  readonly end: number;
}

/** Reads and checks the batch at `start`; undefined when the answer was cut off inside it. */
function headerAt(view: DataView, start: number): Header | undefined {
  if (start + at.records > view.byteLength) return undefined;
  const end = start + LENGTH_OVERHEAD + view.getInt32(start + at.length);
  if (end > view.byteLength) return undefined;
  const magic = view.getInt8(start + at.magic);
  if (magic !== MAGIC) {
    const text = `expected record batches of version ${MAGIC}, found ${magic}: the topic was written by a very old client`;
    throw streamFault('BATCH_UNREADABLE', 'decode', text);
  }
  const baseOffset = Number(view.getBigInt64(start + at.baseOffset));
  if (view.getUint32(start + at.crc) !== crc32c(view, start + at.attributes, end)) {
    const text = `the checksum of the batch at offset ${baseOffset} is wrong`;
    throw streamFault('BATCH_CORRUPT', 'decode', text);
  }
  return {
    baseOffset,
    lastOffset: baseOffset + view.getInt32(start + at.lastOffsetDelta),
    baseTimestamp: Number(view.getBigInt64(start + at.baseTimestamp)),
    attributes: view.getInt16(start + at.attributes),
    producerId: view.getBigInt64(start + at.producerId),
    count: view.getInt32(start + at.count),
    start,
    end,
  };
}

function* headersIn(bytes: Buffer): Generator<Header> {
  const view = viewOf(bytes);
  for (let start = 0; ;) {
    const header = headerAt(view, start);
    if (header === undefined) return;
    yield header;
    start = header.end;
  }
}

/**
 * Unpacked bytes of one answer: text shrinks to a tenth, and an answer of 1 MiB must not become 10. The batch
 * that exceeds it is the last one.
 */
const MAX_UNPACKED_BYTES = 4 << 20;

/** Key of a control record: version and type, two bytes each. */
const MARKER_TYPE_AT = 2;
const ABORT = 0;

function isAbortMarker(bytes: Buffer, header: Header): boolean {
  const cursor = new RecordCursor([{ ...header, bytes, start: header.start + at.records }], 0);
  return cursor.next() && bytes.readInt16BE(cursor.keyStart + MARKER_TYPE_AT) === ABORT;
}

/**
 * Which transactions are aborted at a batch. The broker lists them in the order of their markers, so
 * they are sorted here: two that overlap in one partition would otherwise let aborted records through.
 */
function abortedAt(listed: readonly AbortedTransaction[]): {
  readonly advance: (lastOffset: number) => void;
  readonly open: Set<bigint>;
} {
  const waiting = listed
    .map(({ producerId, firstOffset }) => ({ id: BigInt(producerId), first: Number(firstOffset) }))
    .sort((a, b) => a.first - b.first);
  const open = new Set<bigint>();
  let started = 0;
  return {
    open,
    advance: (lastOffset) => {
      for (; started < waiting.length; started += 1) {
        const transaction = waiting[started];
        if (transaction === undefined || transaction.first > lastOffset) return;
        open.add(transaction.id);
      }
    },
  };
}

/**
 * The batches of a fetched partition that hold committed records at or behind `from`: no markers, no
 * aborted ones. A batch belongs to one transaction, so whole batches are decided, not records. The
 * answer may end inside a batch; that one comes whole with the next fetch, as do compressed ones when enough
 * is unpacked.
 */
export function visibleBatches(
  bytes: Buffer,
  from: number,
  listed: readonly AbortedTransaction[],
): VisibleBatches {
  const aborted = abortedAt(listed);
  const batches: VisibleBatch[] = [];
  let next: number | undefined;
  let unpacked = 0;
  for (const header of headersIn(bytes)) {
    if (unpacked >= MAX_UNPACKED_BYTES) break;
    next = header.lastOffset + 1;
    aborted.advance(header.lastOffset);
    const { attributes, baseOffset, baseTimestamp, count, producerId, start, end } = header;
    const place = { baseOffset, baseTimestamp, count };
    if (attributes & CONTROL) {
      if (isAbortMarker(bytes, header)) aborted.open.delete(producerId);
      continue;
    }
    const dropped = (attributes & TRANSACTIONAL) !== 0 && aborted.open.has(producerId);
    if (dropped || count === 0 || header.lastOffset < from) continue;
    const codec = attributes & CODEC_MASK;
    if (codec === 0) batches.push({ ...place, bytes, start: start + at.records });
    else {
      const records = decompress(codec, bytes.subarray(start + at.records, end));
      unpacked += records.length;
      batches.push({ ...place, bytes: records, start: 0 });
    }
  }
  return { batches, next };
}
