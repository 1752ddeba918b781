import {
  topics,
  type Message,
  type PageFetched,
  type SourceProgressed,
  type Topic,
  type WebhookReceived,
} from '@waybill/contracts';
import type { Emitter, Outgoing, Received, TableReader } from '@waybill/stream';
import {
  transformPage,
  transformWebhook,
  type Transformed,
  type TransformedEvent,
} from '@waybill/transforms';
import { isTraced } from './core/sampling.ts';
import { createDescribed, type Described } from './described.ts';
import { addressOf } from './handle-backfill.ts';
import { sensorsOf } from './sensors.ts';
import type { TransformerMetrics } from './metrics.ts';

/** What one handler knows besides its input. */
export interface HandlerSettings {
  /** Partitions of the position topic; progress goes to each of them. */
  readonly taskPartitions: number;
  /** Share of pages and requests whose positions carry a trace. */
  readonly traceRatio: number;
  readonly metrics: TransformerMetrics;
  readonly logger: { readonly warn: (fields: object, message: string) => void };
}

type Handler = (records: readonly Received[], out: Emitter) => void;

const topicOf: Readonly<Record<TransformedEvent['contract'], Topic>> = {
  PositionRecorded: topics.position,
  SignalRecorded: topics.position,
  AssetDescribed: topics.asset,
  ZoneDescribed: topics.zone,
  TripStatusChanged: topics.tripStatus,
  FuelTransactionRecorded: topics.fuelTransaction,
  WorkOrderReported: topics.providerWorkOrder,
  ProviderAlertRaised: topics.providerAlert,
};

function emitEvents(
  result: Transformed,
  described: Described,
  sampled: boolean,
  out: Emitter,
): void {
  for (const event of result.events) {
    const joined = described.join(event);
    if (joined === undefined) {
      out.skip('unchanged');
      continue;
    }
    const { contract, key, value } = joined;
    const traced = sampled || topicOf[contract] !== topics.position;
    const outgoing: Outgoing = {
      topic: topicOf[contract],
      key,
      message: { type: contract, value },
      // The stream gives positions no context of the batch: unsampled ones stay without any.
      traceparent: traced ? out.traceparent() : undefined,
    };
    out.emit(outgoing);
  }
}

function rejectElements(
  record: Received,
  tenantId: string,
  result: Transformed,
  out: Emitter,
): void {
  for (const rejection of result.rejections) {
    out.reject({ ...rejection, record, tenantId, attempts: 1 });
  }
}

/** Order is the point: the pages before this statement have been emitted, so it covers them. */
function emitProgress(progress: SourceProgressed, partitions: number, out: Emitter): void {
  const { tenant_id, source_id, complete_to_time, received_time } = progress;
  const message: Message = {
    type: 'ProgressReached',
    value: { tenant_id, source_id, complete_to_time, received_time },
  };
  for (let partition = 0; partition < partitions; partition += 1) {
    out.emit({
      topic: topicOf.PositionRecorded,
      key: `${tenant_id}/${source_id}`,
      message,
      partition,
      traceparent: out.traceparent(),
    });
  }
}

/** Counts of a batch, for metrics and for one line when something was refused. */
function report(results: readonly Transformed[], settings: HandlerSettings): void {
  const made = new Map<string, number>();
  const refused: Record<string, number> = {};
  for (const { events, rejections, nulled } of results) {
    for (const { reason, count } of nulled) settings.metrics.nulled(reason, count);
    for (const { contract } of events) made.set(contract, (made.get(contract) ?? 0) + 1);
    for (const { code } of rejections) {
      refused[code] = (refused[code] ?? 0) + 1;
      settings.metrics.rejected(code);
    }
  }
  for (const [contract, count] of made) settings.metrics.event(contract, count);
  if (Object.keys(refused).length > 0) settings.logger.warn({ refused }, 'elements.rejected');
}

/** The handler of both raw inputs: one record at a time, in offset order. */
export function createHandler(settings: HandlerSettings, tables: TableReader): Handler {
  const described = createDescribed(tables);
  return (records, out) => {
    const results: Transformed[] = [];
    for (const record of records) {
      const { message } = record;
      if (message.type === 'SourceProgressed') {
        // The contract of the topic says so; the stream has decoded it.
        emitProgress(message.value as SourceProgressed, settings.taskPartitions, out);
        continue;
      }
      const address = addressOf(record);
      // The contracts of the two topics, decoded by the stream.
      const input = message.value as PageFetched | WebhookReceived;
      if ('page_id' in input && input.unusable_reason === null) {
        const traceparent = out.traceparent();
        for (const state of described.besides(input)) out.emit({ ...state, traceparent });
        if (described.isWhole(input)) continue;
      }
      const [id, result] =
        'request_id' in input
          ? [input.request_id, transformWebhook(input, address, sensorsOf(tables, input.tenant_id))]
          : [input.page_id, transformPage(input, address, sensorsOf(tables, input.tenant_id))];
      const sampled = isTraced(id, settings.traceRatio);
      emitEvents(result, described, sampled, out);
      rejectElements(record, input.tenant_id, result, out);
      for (const { reason, count } of result.skipped) out.skip(reason, count);
      results.push(result);
    }
    report(results, settings);
  };
}
