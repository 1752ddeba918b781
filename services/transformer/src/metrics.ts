/** Domain metrics; records, skips and lag are counted by the stream. */
export interface TransformerMetrics {
  /** Events made, by contract. */
  readonly event: (contract: string, count: number) => void;
  /** Elements refused, by code. */
  readonly rejected: (code: string) => void;
  /** Signals that are null although their message has what they need. */
  readonly nulled: (reason: string, count: number) => void;
}

/** Structural part of the process's registry that is needed here. */
interface Counters {
  readonly counter: (
    name: string,
    help: string,
    labels?: readonly string[],
  ) => { readonly inc: (labels: Record<string, string>, count: number) => void };
}

/** Registers the metrics. */
export function transformerMetrics(metrics: Counters): TransformerMetrics {
  const events = metrics.counter('transform_events_total', 'Contract events made.', ['contract']);
  const rejections = metrics.counter('transform_rejections_total', 'Elements refused.', ['code']);
  const nulled = metrics.counter(
    'transform_signals_nulled_total',
    'Signals without a valid value.',
    ['reason'],
  );
  return {
    event: (contract, count) => events.inc({ contract }, count),
    nulled: (reason, count) => nulled.inc({ reason }, count),
    rejected: (code) => rejections.inc({ code }, 1),
  };
}
