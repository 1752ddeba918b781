import type { Fault } from '@waybill/fault';
import type { InboxCounts } from '@waybill/inbox';
import type { Metrics } from '@waybill/runtime';

/** Seconds from receipt to ERP commit: the sync lag, up to the hour that is critical and beyond. */
const LAG_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21_600];

/** The sink's own numbers. */
export interface SinkMetrics {
  readonly enqueued: (result: 'accepted' | 'known', count: number) => void;
  readonly skipped: (reason: string, count: number) => void;
  readonly attempted: (entity: string, outcome: string, seconds: number) => void;
  readonly delivered: (entity: string, lagSeconds: number) => void;
  readonly withheld: (entity: string, fields: number) => void;
  readonly reworked: (facts: number) => void;
  readonly counts: (counts: InboxCounts) => void;
  readonly error: (fault: Fault) => void;
}

export function sinkMetrics(metrics: Metrics): SinkMetrics {
  const facts = metrics.counter('inbox_facts_total', 'Facts read from the topics.', ['result']);
  const attempts = metrics.counter(
    'erp_delivery_attempts_total',
    'Attempts by what came of them.',
    ['entity', 'outcome'],
  );
  const duration = metrics.histogram('erp_delivery_duration_seconds', 'One attempt.', ['entity']);
  const lag = metrics.histogram(
    'erp_delivery_lag_seconds',
    'ERP commit minus receipt, first delivery of each revision.',
    ['entity'],
    LAG_BUCKETS,
  );
  const withheld = metrics.counter(
    'erp_fields_withheld_total',
    'Columns not written because the ERP owns the field.',
    ['entity'],
  );
  const reworked = metrics.counter(
    'inbox_facts_reworked_total',
    'Facts resolved again after a change of the id map.',
  );
  const rows = metrics.gauge('inbox_rows', 'Facts that are not done, by state.', ['state']);
  const oldest = metrics.gauge('inbox_oldest_due_age_seconds', 'Age of the oldest due fact.');
  const outbox = metrics.gauge('outbox_rows', 'Outcomes not published yet.');
  const breakers = metrics.gauge('erp_breakers_open', 'Targets whose breaker is open.');
  return {
    enqueued: (result, count) => facts.inc({ result }, count),
    skipped: (reason, count) =>
      metrics.streamRecordsDiscarded.inc({ reason, intentional: 'true' }, count),
    attempted: (entity, outcome, seconds) => {
      attempts.inc({ entity, outcome });
      duration.observe({ entity }, seconds);
    },
    delivered: (entity, seconds) => lag.observe({ entity }, seconds),
    withheld: (entity, fields) => withheld.inc({ entity }, fields),
    reworked: (count) => reworked.inc(count),
    counts: (counts) => {
      for (const state of ['due', 'waiting_until', 'paused', 'waiting_for', 'manual'] as const) {
        rows.set({ state }, counts[state]);
      }
      oldest.set(counts.oldest_due_age_s);
      outbox.set(counts.outbox);
      breakers.set(counts.open_breakers.length);
    },
    error: metrics.error,
  };
}
