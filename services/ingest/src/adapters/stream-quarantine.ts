import { hash } from 'node:crypto';
import { topics, type ElementRejected } from '@waybill/contracts';
import { hashId } from '@waybill/domain';
import type { Publisher } from '@waybill/stream';
import { createQuarantineBudget } from '../core/quarantine-budget.ts';
import type { IngestMetrics } from '../metrics.ts';
import type { Quarantine, RejectedBody } from '../ports.ts';
import { within } from './deadline.ts';

/** Larger bodies are kept without their bytes: with the other fields they would not fit into a record. */
const ORIGINAL_BYTES_MAX = 900 * 1024;
/** The sender got all of them; a reader of the quarantine needs the first ones. */
const VIOLATIONS_MAX = 100;
/** A refused body stood in no raw topic. */
const NO_TOPIC = 'none';

export interface QuarantineOptions {
  /** Longest wait for the brokers. */
  readonly timeoutMs: number;
  readonly now: () => number;
  readonly metrics: Pick<IngestMetrics, 'quarantined'>;
}

/** `ingest.dead-letter.v1`: one record per rejected body, within the budget of its source. */
export function streamQuarantine(publisher: Publisher, options: QuarantineOptions): Quarantine {
  const isWithinBudget = createQuarantineBudget();
  return {
    keep: async (rejected) => {
      const source = `${rejected.tenantId}/${rejected.sourceId}`;
      if (!isWithinBudget(source, rejected.body.length, options.now())) {
        options.metrics.quarantined('over_budget');
        return;
      }
      const value = letterOf(rejected, source, options.now());
      const message = { type: 'ElementRejected', value } as const;
      await within(
        publisher.send([{ topic: topics.ingestDeadLetter, key: source, message }]),
        options.timeoutMs,
        options.timeoutMs,
      );
      options.metrics.quarantined('kept');
    },
  };
}

function letterOf(rejected: RejectedBody, source: string, now: number): ElementRejected {
  const { body, code, violations } = rejected;
  const [first] = violations;
  const where = first === undefined || first.path === '' ? '' : ` at ${first.path}`;
  return {
    service: 'ingest',
    // Repeats of a body are equal, so a sender that loops shows as one element.
    element_id: hashId('element', source, hash('sha256', body, 'hex')),
    tenant_id: rejected.tenantId,
    unit: null,
    code,
    kind: 'malformed',
    category: 'validation',
    message: `${source}: ${code}${where}: ${first?.message ?? 'refused'}`,
    violations: violations.slice(0, VIOLATIONS_MAX),
    attempts: 1,
    rejected_time: now,
    event_time: null,
    original: body.length <= ORIGINAL_BYTES_MAX ? body : null,
    trace: { topic: NO_TOPIC, partition: 0, offset: 0, index: -1 },
  };
}
