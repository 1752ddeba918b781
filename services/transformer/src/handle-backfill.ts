import {
  topics,
  type BackfillMarked,
  type Message,
  type PageFetched,
  type PositionRecorded,
  type RangeReread,
  type RereadRange,
  type SignalRecorded,
  type WebhookReceived,
} from '@waybill/contracts';
import { taskKey } from '@waybill/domain';
import type { Emitter, Received, TableReader } from '@waybill/stream';
import { transformPage, transformWebhook, type Transformed } from '@waybill/transforms';
import { sensorsOf } from './sensors.ts';

/** Where a record stands, for the trace of what comes out of it. */
export function addressOf({ topic, partition, offset }: Received): {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
} {
  return { topic: topic.name, partition, offset: Number(offset) };
}

/** What a device measured; anything else that a page or request holds is not read again. */
const FIXES: ReadonlySet<string> = new Set(['PositionRecorded', 'SignalRecorded']);

/** Fixes of a re-read page or request; facts that were pushed stay as they were pushed. */
function emitFixes(
  { events }: Transformed,
  out: Emitter,
  isWanted: (fix: PositionRecorded | SignalRecorded) => boolean = () => true,
): void {
  for (const { contract, key, value } of events) {
    if (!FIXES.has(contract)) {
      out.skip('not_reread');
      continue;
    }
    // The name of the contract decides the type of the value.
    if (!isWanted(value as PositionRecorded | SignalRecorded)) continue;
    const message: Message = { type: contract, value };
    out.emit({ topic: topics.positionBackfill, key, message });
  }
}

function emitMarker(mark: BackfillMarked, out: Emitter): void {
  const { unit } = mark;
  if (mark.mark !== 'UNIT_ENDED' || unit === null) {
    out.skip('backfill_mark');
    return;
  }
  const value: RangeReread = {
    tenant_id: mark.tenant_id,
    unit,
    request_id: mark.rework_id,
    from_time: mark.from_time,
    to_time: mark.to_time,
    complete: mark.reason === null,
    reason: mark.reason,
    preview: false,
    received_time: mark.received_time,
  };
  const message: Message = { type: 'RangeReread', value };
  out.emit({ topic: topics.positionBackfill, key: taskKey(mark.tenant_id, unit), message });
}

/** Pages of re-read ranges → positions of the back-fill topic and, behind them, end markers. */
export function handleBackfill(
  records: readonly Received[],
  out: Emitter,
  tables: TableReader,
): void {
  for (const record of records) {
    const { type, value } = record.message;
    // The contracts of the topic, decoded by the stream.
    if (type === 'BackfillMarked') {
      emitMarker(value as BackfillMarked, out);
      continue;
    }
    const page = value as PageFetched;
    const result = transformPage(page, addressOf(record), sensorsOf(tables, page.tenant_id));
    emitFixes(result, out);
    for (const rejection of result.rejections) {
      out.reject({ ...rejection, record, tenantId: page.tenant_id, attempts: 1 });
    }
    for (const { reason, count } of result.skipped) out.skip(reason, count);
  }
}

/**
 * Raw records once more, for a source that cannot be read again: what they hold of a unit and range goes
 * to the back-fill topic. What was refused then is not refused a second time.
 */
export function rereadRaw(
  records: readonly Received[],
  out: Emitter,
  range: RereadRange,
  tables: TableReader,
): void {
  const isWanted = (fix: PositionRecorded | SignalRecorded): boolean =>
    fix.tenant_id === range.tenant_id &&
    fix.unit === range.unit &&
    fix.event_time >= range.from_time &&
    fix.event_time < range.to_time;
  for (const record of records) {
    const { type, value } = record.message;
    if (type === 'SourceProgressed') continue;
    const input = value as PageFetched | WebhookReceived;
    if (input.tenant_id !== range.tenant_id) continue;
    const address = addressOf(record);
    const result =
      'request_id' in input
        ? transformWebhook(input, address, sensorsOf(tables, input.tenant_id))
        : transformPage(input, address, sensorsOf(tables, input.tenant_id));
    emitFixes(result, out, isWanted);
  }
}
