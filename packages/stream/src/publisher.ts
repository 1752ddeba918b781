import type { Topic } from '@waybill/contracts';
import { openProducer, type KafkaProducer } from './client.ts';
import type { Headers } from './dead-letter-headers.ts';
import type { Environment } from './environment.ts';
import { kafkaFault, streamFault } from './errors.ts';
import { createOutbox, roundsOf, type Outbox, type Round, type Sized } from './outbox.ts';
import type { Outgoing, Publisher } from './port.ts';

/** Records that wait or are on their way; more are refused with `BACKPRESSURE`. */
export const MAX_WAITING_RECORDS = 10_000;
/** Records in one request; a larger send of one caller goes whole. */
const MAX_BATCH_RECORDS = 1_000;

interface Request {
  readonly outbox: Outbox;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
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
  const queue: Request[] = [];
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

  function takeBatch(): Request[] {
    let records = 0;
    let count = 0;
    for (const { outbox } of queue) {
      if (count > 0 && records + outbox.size() > MAX_BATCH_RECORDS) break;
      records += outbox.size();
      count += 1;
    }
    return queue.splice(0, count);
  }

  async function flush(batch: readonly Request[]): Promise<void> {
    try {
      const to = await connected();
      for (const topicMessages of merged(batch)) {
        await to.sendBatch({ acks: -1, topicMessages: [...topicMessages] });
      }
      for (const { outbox, resolve } of batch) {
        for (const [topic, count] of outbox.counts()) metrics.emitted(topic, count);
        resolve();
      }
    } catch (error) {
      const cause = kafkaFault(error, 'publish', 'publishing');
      const lost = producer;
      producer = undefined;
      void lost?.disconnect().catch(() => undefined);
      const fault =
        cause.kind === 'transient'
          ? streamFault('PUBLISH_FAILED', 'publish', cause.message, error)
          : cause;
      for (const request of batch) request.reject(fault);
    }
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      const batch = takeBatch();
      await flush(batch);
      for (const { outbox } of batch) waiting -= outbox.size();
    }
  }

  function pump(): void {
    running ??= drain().finally(() => {
      running = undefined;
      if (queue.length > 0) pump();
    });
  }

  async function drained(): Promise<void> {
    const now = running;
    if (now === undefined) return;
    await now;
    await drained();
  }

  /** Encodes at once: a record that breaks its contract fails its own caller and nobody else. */
  async function enqueue(fill: (outbox: Outbox) => void): Promise<void> {
    if (closed) throw streamFault('CLOSED', 'publish', 'the publisher is closed');
    const outbox = createOutbox(environment, counts);
    fill(outbox);
    if (outbox.size() === 0) return;
    if (waiting > 0 && waiting + outbox.size() > MAX_WAITING_RECORDS) {
      throw streamFault(
        'BACKPRESSURE',
        'publish',
        `${waiting} records wait already, the limit is ${MAX_WAITING_RECORDS}`,
      );
    }
    waiting += outbox.size();
    await new Promise<void>((resolve, reject) => {
      queue.push({ outbox, resolve, reject });
      pump();
    });
  }

  await connected().catch((error: unknown) => {
    throw kafkaFault(error, 'start', 'connecting a producer');
  });
  return {
    send: (records) =>
      enqueue((outbox) => {
        for (const record of records) outbox.add(record);
      }),
    sendWithHeaders: (letters) =>
      enqueue((outbox) => {
        for (const { record, headers } of letters) outbox.add(record, headers);
      }),
    close: async () => {
      closed = true;
      await drained();
      await producer?.disconnect().catch(() => undefined);
    },
  };
}

/** The records of several calls as one request, in the order of the calls. */
function merged(batch: readonly Request[]): readonly Round[] {
  const lists = new Map<string, Sized[]>();
  for (const { wire, messages } of batch.flatMap(({ outbox }) => outbox.piles())) {
    const list = lists.get(wire);
    if (list === undefined) lists.set(wire, [...messages]);
    else for (const message of messages) list.push(message);
  }
  return roundsOf([...lists].map(([wire, messages]) => ({ wire, messages })));
}
