import type { Topic } from '@waybill/contracts';
import { rejectedLetter, unreadableLetter } from './dead-letter.ts';
import type { Environment } from './environment.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import type { Emitter } from './port.ts';
import type { Unreadable } from './record.ts';

/** What one transaction produces: records to send, and counts to report once it is committed. */
export interface Collector {
  readonly out: Emitter;
  readonly outbox: Outbox;
  readonly unreadable: (found: Unreadable) => void;
  /** Reports what was emitted and discarded; call after the commit, so an abort counts nothing. */
  readonly report: () => void;
}

export function createCollector(
  environment: Environment,
  service: string,
  deadLetter: Topic,
  partitionCounts: ReadonlyMap<string, number>,
): Collector {
  const outbox = createOutbox(environment, partitionCounts);
  const box = { service, topic: deadLetter };
  const discarded: { reason: string; intentional: boolean; count: number }[] = [];
  return {
    outbox,
    out: {
      emit: (record) => {
        outbox.add(record);
      },
      traceparent: outbox.traceparent,
      reject: (rejection) => {
        const { record, headers } = rejectedLetter(box, rejection);
        outbox.add(record, headers);
        discarded.push({ reason: rejection.code, intentional: false, count: 1 });
      },
      skip: (reason, count = 1) => {
        discarded.push({ reason, intentional: true, count });
      },
    },
    unreadable: (found) => {
      const { record, headers } = unreadableLetter(box, found);
      outbox.add(record, headers);
      discarded.push({ reason: 'UNDECODABLE', intentional: false, count: 1 });
    },
    report: () => {
      const { metrics } = environment;
      for (const [topic, count] of outbox.counts()) metrics.emitted(topic, count);
      for (const { reason, intentional, count } of discarded) {
        metrics.discarded(reason, intentional, count);
      }
    },
  };
}
