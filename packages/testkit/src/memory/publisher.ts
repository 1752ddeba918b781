import type { Topic } from '@waybill/contracts';
import { streamFault, type Outgoing, type Publisher } from '@waybill/stream';
import type { Encoded } from './broker.ts';
import { encode, type Instance } from './instance.ts';

/** As the real one: records that wait; more are refused with `BACKPRESSURE`. */
const MAX_WAITING_RECORDS = 10_000;

/** Whether the next send fails, as by a broker that is away. */
export interface SendFaults {
  readonly take: () => boolean;
}

/** *publish* in memory: a send is confirmed at the next turn, in the order of the calls. */
export async function openPublisher(
  instance: Instance,
  topics: readonly Topic[],
  faults: SendFaults,
): Promise<Publisher> {
  const { broker, codecs, metrics } = instance;
  await codecs.bind(topics);
  const counts = broker.partitionCounts(topics);
  let waiting = 0;
  let last: Promise<void> = Promise.resolve();
  let closed = false;

  function confirm(encoded: readonly Encoded[]): void {
    if (faults.take()) {
      throw streamFault('PUBLISH_FAILED', 'publish', 'publishing: failed by hand');
    }
    broker.append(encoded);
    for (const [topic, group] of Map.groupBy(encoded, (record) => record.topic)) {
      metrics.emitted(topic, group.length);
    }
  }

  async function send(records: readonly Outgoing[]): Promise<void> {
    if (closed) throw streamFault('CLOSED', 'publish', 'the publisher is closed');
    const encoded = records.map((record) => encode(instance, counts, record));
    if (waiting > 0 && waiting + encoded.length > MAX_WAITING_RECORDS) {
      const text = `${waiting} records wait already, the limit is ${MAX_WAITING_RECORDS}`;
      throw streamFault('BACKPRESSURE', 'publish', text);
    }
    waiting += encoded.length;
    const sent = last.then(() => {
      waiting -= encoded.length;
      confirm(encoded);
    });
    last = sent.catch(() => undefined);
    await sent;
  }

  return {
    send,
    close: async () => {
      closed = true;
      await last;
    },
  };
}
