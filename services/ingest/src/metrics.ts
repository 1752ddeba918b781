import type { Fault } from '@waybill/fault';

/** How a request ended. */
export type RequestOutcome = 'accepted' | 'repeated' | 'refused' | 'failed';

/** Domain metrics of the door. */
export interface IngestMetrics {
  /** One request; `code` is `none` for accepted and repeated ones. */
  readonly answered: (outcome: RequestOutcome, code: string, seconds: number) => void;
  /** Why a request was not authenticated; from the closed set in authenticate.ts. */
  readonly unauthenticated: (reason: string) => void;
  readonly error: (fault: Fault) => void;
}

type Labels = Readonly<Record<string, string>>;

/** Structural part of the process's registry that is needed here. */
interface Registry {
  readonly counter: (
    name: string,
    help: string,
    labels?: readonly string[],
  ) => { readonly inc: (labels: Labels) => void };
  readonly histogram: (
    name: string,
    help: string,
    labels?: readonly string[],
  ) => { readonly observe: (labels: Labels, value: number) => void };
  readonly error: (fault: Fault) => void;
}

/** Registers the metrics. */
export function ingestMetrics(metrics: Registry): IngestMetrics {
  const requests = metrics.counter('webhook_requests_total', 'Requests answered.', [
    'outcome',
    'code',
  ]);
  const durations = metrics.histogram(
    'webhook_request_duration_seconds',
    'From the whole body to the answer.',
    ['outcome'],
  );
  const unauthenticated = metrics.counter(
    'webhook_unauthenticated_total',
    'Requests without a valid signature.',
    ['reason'],
  );
  return {
    answered: (outcome, code, seconds) => {
      requests.inc({ outcome, code });
      durations.observe({ outcome }, seconds);
    },
    unauthenticated: (reason) => unauthenticated.inc({ reason }),
    error: metrics.error,
  };
}
