import type { Topic } from '@waybill/contracts';
import { openProducer, sendRound, type KafkaProducer } from './client.ts';
import type { Headers } from './dead-letter-headers.ts';
import type { Environment } from './environment.ts';
import { kafkaFault, streamFault } from './errors.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import type { Outgoing, Publisher } from './port.ts';

/** Records that wait or are on their way; more are refused with `BACKPRESSURE`. */
export const MAX_WAITING_RECORDS = 10_000;

/** Records of several calls that go out together. */
interface Parcel {
  readonly outbox: Outbox;
  readonly senders: PromiseWithResolvers<void>[];
}

/** A publisher that may also set headers, for dead letters. */
export interface HeaderPublisher extends Publisher {
  readonly sendWithHeaders: (
    records: readonly { readonly record: Outgoing; readonly headers: Headers }[],
  ) => Promise<void>;
}

/**
 * Idempotent, acks = all, one request in flight: while it is on its way the next batch fills, so batches
 * grow with the load and order per partition is the order of the calls. A failed producer is replaced.
 */
export async function openPublisher(
  environment: Environment,
  topics: readonly Topic[],
): Promise<HeaderPublisher> {
  const { codecs, metrics, offsets } = environment;
  await codecs.bind(topics);
  const counts = await offsets.partitionCounts(topics);
  let open: Parcel | undefined;
  let waiting = 0;
  let closed = false;
  let producer: KafkaProducer | undefined;
  let running: Promise<void> | undefined;

  async function connected(): Promise<KafkaProducer> {
    if (producer === undefined) {
      const fresh = openProducer(environment.openKafka());
      try {
        await fresh.connect();
      } catch (error) {
        await fresh.disconnect();
        throw error;
      }
      producer = fresh;
    }
    return producer;
  }

  async function flush({ outbox, senders }: Parcel): Promise<void> {
    try {
      const to = await connected();
      for (const round of outbox.rounds()) await sendRound(to, round);
      for (const [topic, count] of outbox.counts()) metrics.emitted(topic, count);
      for (const { resolve } of senders) resolve();
    } catch (error) {
      const cause = kafkaFault(error, 'publish', 'publishing');
      const lost = producer;
      producer = undefined;
      void lost?.disconnect().catch(() => undefined);
      const fault =
        cause.kind === 'transient'
          ? streamFault('PUBLISH_FAILED', 'publish', cause.message, error)
          : cause;
      for (const { reject } of senders) reject(fault);
    }
  }

  async function drain(): Promise<void> {
    while (open !== undefined) {
      const parcel = open;
      open = undefined;
      await flush(parcel);
      waiting -= parcel.outbox.size();
    }
  }

  /** Starts after the present turn, so that calls of one turn go together. */
  function pump(): void {
    running ??= Promise.resolve()
      .then(drain)
      .finally(() => {
        running = undefined;
        if (open !== undefined) pump();
      });
  }

  async function drained(): Promise<void> {
    const now = running;
    if (now === undefined) return;
    await now;
    await drained();
  }

  async function enqueue(count: number, addTo: (outbox: Outbox) => void): Promise<void> {
    if (closed) throw streamFault('CLOSED', 'publish', 'the publisher is closed');
    if (count === 0) return;
    if (waiting > 0 && waiting + count > MAX_WAITING_RECORDS) {
      throw streamFault(
        'BACKPRESSURE',
        'publish',
        `${waiting} records wait already, the limit is ${MAX_WAITING_RECORDS}`,
      );
    }
    const parcel = open ?? { outbox: createOutbox(environment, counts), senders: [] };
    parcel.outbox.whole(() => addTo(parcel.outbox));
    waiting += count;
    open = parcel;
    const sender = Promise.withResolvers<void>();
    parcel.senders.push(sender);
    pump();
    await sender.promise;
  }

  await connected().catch((error: unknown) => {
    throw kafkaFault(error, 'start', 'connecting a producer');
  });
  return {
    send: (records) =>
      enqueue(records.length, (outbox) => {
        for (const record of records) outbox.add(record);
      }),
    sendWithHeaders: (letters) =>
      enqueue(letters.length, (outbox) => {
        for (const { record, headers } of letters) outbox.add(record, headers);
      }),
    close: async () => {
      closed = true;
      await drained();
      await producer?.disconnect().catch(() => undefined);
    },
  };
}
