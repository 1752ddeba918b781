/** Domain metrics. */
export interface ConsoleMetrics {
  /** A decision was stored. */
  readonly decided: (
    action:
      | 'tenant.applied'
      | 'mapping.changed'
      | 'rework.requested'
      | 'rework.cancelled'
      | 'recompute.requested'
      | 'proposal.judged',
  ) => void;
  readonly published: (count: number) => void;
  /** Units whose plan of drivers changed. */
  readonly planned: (count: number) => void;
}

/** Structural part of the process's registry that is needed here. */
interface Registry {
  readonly counter: (
    name: string,
    help: string,
    labels?: readonly string[],
  ) => { readonly inc: (labels: Record<string, string>, count: number) => void };
}

/** Registers the metrics. */
export function consoleMetrics(metrics: Registry): ConsoleMetrics {
  const decisions = metrics.counter('console_decisions_total', 'Decisions stored.', ['action']);
  const published = metrics.counter('outbox_records_published_total', 'Outbox rows published.');
  const planned = metrics.counter('console_planned_units_total', 'Changed plans of units.');
  return {
    planned: (count) => planned.inc({}, count),
    decided: (action) => decisions.inc({ action }, 1),
    published: (count) => published.inc({}, count),
  };
}
