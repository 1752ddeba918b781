import { topics } from '@waybill/contracts';
import { Fault } from '@waybill/fault';
import type { Publisher } from '@waybill/stream';
import type { RawLog } from '../ports.ts';

/**
 * The raw topic. A send that takes longer than `timeoutMs` counts as failed although it may still
 * succeed: the sender repeats it, and the record stands there twice with one request id.
 */
export function streamRawLog(publisher: Publisher, timeoutMs: number): RawLog {
  return {
    append: async (record, traceparent) => {
      const sent = publisher.send([
        {
          topic: topics.webhookRaw,
          key: record.request_id,
          message: { type: 'WebhookReceived', value: record },
          traceparent,
        },
      ]);
      await within(sent, timeoutMs);
    },
  };
}

async function within(sent: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const message = `expected the brokers to confirm within ${timeoutMs} ms, they did not`;
      reject(new Fault(message, { kind: 'transient', code: 'LOG_TIMEOUT', stage: 'publish' }));
    }, timeoutMs);
  });
  try {
    await Promise.race([sent, late]);
  } finally {
    clearTimeout(timer);
  }
}
