/** Domain metrics; records, skips and lag are counted by the stream. */
export interface TransformerMetrics {
  /** Events made, by contract. */
  readonly event: (contract: string, count: number) => void;
  /** Elements refused, by code. */
  readonly rejected: (code: string) => void;
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
  return {
    event: (contract, count) => events.inc({ contract }, count),
    rejected: (code) => rejections.inc({ code }, 1),
  };
}
