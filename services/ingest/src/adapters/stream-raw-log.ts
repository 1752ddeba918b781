import { topics, type WebhookReceived } from '@waybill/contracts';
import { isFault } from '@waybill/fault';
import type { Outgoing, Publisher } from '@waybill/stream';
import type { IngestMetrics } from '../metrics.ts';
import type { RawLog } from '../ports.ts';
import { createBatches } from './batches.ts';
import type { Admission } from './admission.ts';
import { late, within } from './deadline.ts';

/** Records per send; more wait for the next one. */
const BATCH_RECORDS = 500;
/**
 * Bytes of bodies per send: with keys and headers they fit into one batch of the log, of which a partition takes
 * one after the other. More in one send would wait for the last of them, all encoded in memory.
 */
const BATCH_BYTES = 700_000;

interface Append {
  readonly record: WebhookReceived;
  readonly traceparent: string | undefined;
  /** On the clock of `performance.now`. */
  readonly deadline: number;
}

/**
 * The raw topic. Requests that come together share a send. An append that takes longer than `timeoutMs`,
 * the wait for the send before it included, counts as failed although it may still succeed: the sender
 * repeats it, and the record stands there twice with one request id.
 */
export function streamRawLog(
  publisher: Publisher,
  admission: Pick<Admission, 'hold' | 'confirmed'>,
  timeoutMs: number,
  metrics: Pick<IngestMetrics, 'step'>,
): RawLog {
  const send = (appends: readonly Append[]): Promise<void> => {
    // The first came first, so its time ends first.
    const leftMs = (appends[0]?.deadline ?? 0) - performance.now();
    if (leftMs <= 0) return Promise.reject(late(timeoutMs));
    const began = performance.now();
    const sent = publisher.send(outgoing(appends));
    const pending = within(sent, leftMs, timeoutMs);
    return pending.then(
      () => {
        const ms = performance.now() - began;
        admission.confirmed(ms, appends.length);
        metrics.step('append', ms / 1000);
      },
      (error: unknown) => {
        // The publisher still has the bytes when we stopped waiting, and the requests are gone.
        const held = admission.hold(bytesOf(appends));
        const free = (): void => held.release();
        sent.then(free, free);
        throw error;
      },
    );
  };
  const batches = createBatches<Append, void>({
    maximum: BATCH_RECORDS,
    weight: { of: ({ record }) => record.body.length, maximum: BATCH_BYTES },
    run: send,
  });
  return {
    append: async (record, traceparent) => {
      const append = { record, traceparent, deadline: performance.now() + timeoutMs };
      try {
        await batches.add(append);
      } catch (error) {
        // Weather fails all; a record that the log refuses must not take its neighbours with it.
        if (isFault(error) && error.kind === 'transient') throw error;
        await send([append]);
      }
    },
  };
}

function bytesOf(appends: readonly Append[]): number {
  return appends.reduce((sum, { record }) => sum + record.body.length, 0);
}

/**
 * All of a send go to one partition, which the first chooses: raw records promise no order, and a broker
 * that takes one batch of fifty works less than one that takes four of a dozen.
 */
function outgoing(appends: readonly Append[]): Outgoing[] {
  const partitionKey = appends[0]?.record.request_id ?? '';
  return appends.map(({ record, traceparent }) => ({
    topic: topics.webhookRaw,
    key: record.request_id,
    partitionKey,
    message: { type: 'WebhookReceived', value: record },
    traceparent,
  }));
}
