/** Domain metrics; records and lag are counted by the stream. */
export interface ReconcilerMetrics {
  /** Result of a comparison with an ERP. */
  readonly compared: (result: {
    readonly entity: string;
    readonly gaps: number;
    readonly drift: number;
    readonly orphans: number;
  }) => void;
}

/** Structural part of the process's registry that is needed here. */
interface Registry {
  readonly gauge: (
    name: string,
    help: string,
    labels?: readonly string[],
  ) => { readonly set: (labels: Record<string, string>, value: number) => void };
}

/** Registers the metrics. */
export function reconcilerMetrics(metrics: Registry): ReconcilerMetrics {
  const findings = metrics.gauge(
    'reconciliation_findings_records',
    'Findings of the last comparison of an entity.',
    ['entity', 'finding'],
  );
  return {
    compared: ({ entity, gaps, drift, orphans }) => {
      findings.set({ entity, finding: 'gap' }, gaps);
      findings.set({ entity, finding: 'drift' }, drift);
      findings.set({ entity, finding: 'orphan' }, orphans);
    },
  };
}
