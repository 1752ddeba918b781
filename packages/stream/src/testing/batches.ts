import { BatchWriter } from '../record-batch/batch-writer.ts';
import { crc32c, viewOf } from '../record-batch/crc32c.ts';
import { at, CONTROL, TRANSACTIONAL } from '../record-batch/layout.ts';
import { RecordCursor } from '../record-batch/record-cursor.ts';

export interface PlainRecord {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface BatchSetting {
  readonly baseOffset?: number;
  readonly producerId?: bigint;
  readonly attributes?: number;
  readonly lastOffsetDelta?: number;
}

/** Sets fields of a batch and corrects its checksum. */
export function changed(batch: Buffer, setting: BatchSetting): Buffer {
  const copy = Buffer.from(batch);
  const view = viewOf(copy);
  view.setBigInt64(at.baseOffset, BigInt(setting.baseOffset ?? 0));
  if (setting.attributes !== undefined) view.setInt16(at.attributes, setting.attributes);
  if (setting.lastOffsetDelta !== undefined) {
    view.setInt32(at.lastOffsetDelta, setting.lastOffsetDelta);
  }
  view.setUint32(at.crc, crc32c(view, at.attributes, copy.length));
  return copy;
}

/** A batch as it stands in a topic. */
export function batchOf(records: readonly PlainRecord[], setting: BatchSetting = {}): Buffer {
  const writer = new BatchWriter(0);
  for (const { key, value, headers } of records) {
    writer.append(key, value === null ? null : Buffer.from(value), headers);
  }
  const owner = {
    producerId: setting.producerId ?? -1n,
    producerEpoch: 0,
    baseSequence: 0,
    transactional: ((setting.attributes ?? 0) & TRANSACTIONAL) !== 0,
  };
  return changed(writer.seal(owner, 1_700_000_000_000), setting);
}

/** The marker that ends a transaction; its key is version 0 and a type, two bytes each. */
export function markerOf(type: 'abort' | 'commit', baseOffset: number, producerId: bigint): Buffer {
  const key = `\0\0\0${type === 'abort' ? '\0' : '\u0001'}`;
  const attributes = TRANSACTIONAL | CONTROL;
  return batchOf([{ key, value: '\0\0\0\0\0\0' }], { baseOffset, producerId, attributes });
}

/** A cursor over the records of one plain batch. */
export function cursorOver(batch: Buffer, from = 0): RecordCursor {
  const view = viewOf(batch);
  const baseOffset = Number(view.getBigInt64(at.baseOffset));
  const count = view.getInt32(at.count);
  const baseTimestamp = Number(view.getBigInt64(at.baseTimestamp));
  const only = { baseOffset, baseTimestamp, count, bytes: batch, start: at.records };
  return new RecordCursor([only], from);
}

/** What a cursor shows, as plain values. */
export function recordsOf(cursor: RecordCursor): readonly (PlainRecord & { offset: number })[] {
  const found: (PlainRecord & { offset: number })[] = [];
  const text = (start: number, length: number): string | null =>
    length < 0 ? null : cursor.bytes.toString('utf8', start, start + length);
  while (cursor.next()) {
    const { offset, keyStart, keyLength, valueStart, valueLength } = cursor;
    const traceparent = cursor.traceparent()?.toString();
    found.push({
      offset,
      key: text(keyStart, keyLength),
      value: text(valueStart, valueLength),
      ...(traceparent !== undefined && { headers: { traceparent } }),
    });
  }
  return found;
}
