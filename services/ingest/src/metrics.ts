import type { Fault } from '@waybill/fault';
import { ipsMetrics, type IpsMetrics } from './ips-metrics.ts';

/** How a request ended. */
export type RequestOutcome = 'accepted' | 'repeated' | 'refused' | 'failed';

/** What a batch of requests waits for: the row of its claims, their commit, the brokers. */
export type Step = 'claim' | 'commit' | 'append';

/** Domain metrics of the door. */
export interface IngestMetrics {
  /** One request; `code` is `none` for accepted and repeated ones. */
  readonly answered: (outcome: RequestOutcome, code: string, seconds: number) => void;
  /** How long one batch took for a step. */
  readonly step: (step: Step, seconds: number) => void;
  /** Why a request was not authenticated; from the closed set in authenticate.ts. */
  readonly unauthenticated: (reason: string) => void;
  /**
   * One proof that fitted, by the key id that made it: shows when an old secret is out of use. `source` stands for the
   * labels tenant and source: one object as long as its configuration.
   */
  readonly authenticated: (
    source: object,
    labels: { readonly tenant: string; readonly source: string; readonly key: string },
  ) => void;
  /** One rejected body of an authenticated sender. */
  readonly quarantined: (outcome: 'kept' | 'over_budget') => void;
  /** One answer of the token end point. */
  readonly tokenAnswered: (outcome: 'issued' | 'refused' | 'braked' | 'failed') => void;
  /** Refusals that did not fit into the audit; they stand in the log. */
  readonly auditDropped: (count: number) => void;
  /** Connections over the limit. */
  readonly connectionDropped: () => void;
  readonly error: (fault: Fault) => void;
  readonly ips: IpsMetrics;
}

type Labels = Readonly<Record<string, string>>;

interface Counter {
  readonly inc: (labels: Labels, value?: number) => void;
}

/** One series; looked up once instead of for every request. */
interface Tally {
  readonly labels: (labels: Labels) => { readonly inc: () => void };
}

interface Histogram {
  readonly labels: (labels: Labels) => { readonly observe: (value: number) => void };
}

/** Structural part of the process's registry that is needed here. */
interface Registry {
  readonly counter: (name: string, help: string, labels?: readonly string[]) => Counter;
  readonly tally: (name: string, help: string, labels: readonly string[]) => Tally;
  readonly gauge: Parameters<typeof ipsMetrics>[0]['gauge'];
  readonly histogram: (name: string, help: string, labels?: readonly string[]) => Histogram;
  readonly error: (fault: Fault) => void;
}

/** Registers the metrics. */
export function ingestMetrics(metrics: Registry): IngestMetrics {
  const requests = metrics.tally('webhook_requests_total', 'Requests answered.', [
    'outcome',
    'code',
  ]);
  const durations = metrics.histogram(
    'webhook_request_duration_seconds',
    'From the whole body to the answer.',
    ['outcome'],
  );
  const steps = metrics.histogram(
    'webhook_batch_step_seconds',
    'What a batch of requests waits for: claim (its statement), commit (the disk of the database), append (the brokers).',
    ['step'],
  );
  const unauthenticated = metrics.counter(
    'webhook_unauthenticated_total',
    'Requests without a valid signature.',
    ['reason'],
  );
  const authenticated = metrics.tally(
    'webhook_authenticated_total',
    'Requests authenticated, by the key id of the tenant file; none where a scheme has no keys.',
    ['tenant', 'source', 'key'],
  );
  const quarantined = metrics.counter(
    'webhook_quarantined_total',
    'Rejected bodies of authenticated senders; over_budget = answered but not kept.',
    ['outcome'],
  );
  const auditDropped = metrics.counter(
    'webhook_audit_dropped_total',
    'Refused requests that did not fit into the audit.',
  );
  const dropped = metrics.counter(
    'webhook_connections_dropped_total',
    'Connections over INGEST_CONNECTIONS_MAX.',
  );
  const tokens = metrics.counter('webhook_tokens_total', 'Answers of POST /oauth/token.', [
    'outcome',
  ]);
  const requestsOf = nested<RequestOutcome, ReturnType<Tally['labels']>>(new Map());
  const authenticatedOf = nested<object, ReturnType<Tally['labels']>>(new WeakMap());
  const durationsOf = series(durations);
  const stepsOf = series(steps);
  return {
    connectionDropped: () => dropped.inc({}),
    answered: (outcome, code, seconds) => {
      requestsOf(outcome, code, () => requests.labels({ outcome, code })).inc();
      durationsOf(outcome, { outcome }).observe(seconds);
    },
    step: (step, seconds) => stepsOf(step, { step }).observe(seconds),
    unauthenticated: (reason) => unauthenticated.inc({ reason }),
    authenticated: (source, labels) =>
      authenticatedOf(source, labels.key, () => authenticated.labels(labels)).inc(),
    quarantined: (outcome) => quarantined.inc({ outcome }),
    tokenAnswered: (outcome) => tokens.inc({ outcome }),
    auditDropped: (count) => auditDropped.inc({}, count),
    error: metrics.error,
    ips: ipsMetrics(metrics),
  };
}

/** Series under two names each: no text is put together to find one. */
function nested<K, S>(outer: {
  readonly get: (key: K) => Map<string, S> | undefined;
  readonly set: (key: K, inner: Map<string, S>) => unknown;
}): (key: K, name: string, make: () => S) => S {
  return (key, name, make) => {
    let inner = outer.get(key);
    if (inner === undefined) {
      inner = new Map();
      outer.set(key, inner);
    }
    let one = inner.get(name);
    if (one === undefined) {
      one = make();
      inner.set(name, one);
    }
    return one;
  };
}

/** Series of a metric under a name each; labels come from closed sets and tenant files, so there are few. */
function series<S>(metric: {
  readonly labels: (labels: Labels) => S;
}): (name: string, labels: Labels) => S {
  const known = new Map<string, S>();
  return (name, labels) => {
    let one = known.get(name);
    if (one === undefined) {
      one = metric.labels(labels);
      known.set(name, one);
    }
    return one;
  };
}
