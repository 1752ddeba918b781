import { topics, type DeliverySettled } from '@waybill/contracts';
import type { Inbox, OutboxRow } from '@waybill/inbox';
import type { Outgoing, Publisher } from '@waybill/stream';
import { startLoop, type Loop } from './loop.ts';
import type { DeadLetterPayload } from './outcome.ts';
import type { SinkLogger } from './ports.ts';

const IDLE_MS = 200;

function outgoing(row: OutboxRow): Outgoing {
  const { key, traceparent } = row;
  // The payload was made by `messagesOf` for this kind.
  if (row.kind === 'dead_letter') {
    const payload = row.payload as DeadLetterPayload;
    const value = { ...payload, original: row.original };
    return {
      topic: topics.sinkDeadLetter,
      key,
      traceparent,
      message: { type: 'ElementRejected', value },
    };
  }
  const value = row.payload as DeliverySettled;
  return { topic: topics.delivery, key, traceparent, message: { type: 'DeliverySettled', value } };
}

/** Publishes the outbox in order, at least once; what the broker confirmed is deleted. */
export function startPublishing(parts: {
  readonly inbox: Inbox;
  readonly publisher: Publisher;
  readonly logger: SinkLogger;
}): Loop {
  const { inbox, publisher, logger } = parts;
  return startLoop({
    name: 'outbox',
    idleMs: () => IDLE_MS,
    logger,
    round: async () => (await inbox.drainOutbox((rows) => publisher.send(rows.map(outgoing)))) > 0,
  });
}
