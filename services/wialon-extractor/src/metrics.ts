/** How a call ended. */
export type CallOutcome = 'answer' | 'refusal' | 'transport';

/** Domain metrics; records written are counted by the stream. */
export interface ExtractorMetrics {
  readonly call: (service: string, outcome: CallOutcome, seconds: number) => void;
  /** Messages received, live or by interval. */
  readonly messages: (way: 'live' | 'interval', count: number) => void;
  /** A line of the authentication audit. */
  readonly session: (kind: string) => void;
  /** Why units had to be read again. */
  readonly gap: (why: 'session' | 'answer') => void;
}

type Labels = Record<string, string>;

/** Structural part of the process's registry that is needed here. */
interface Registry {
  readonly counter: (
    name: string,
    help: string,
    labels?: readonly string[],
  ) => { readonly inc: (labels: Labels, count: number) => void };
  readonly histogram: (
    name: string,
    help: string,
    labels?: readonly string[],
  ) => { readonly observe: (labels: Labels, value: number) => void };
}

/** Registers the metrics. */
export function extractorMetrics(metrics: Registry): ExtractorMetrics {
  const calls = metrics.counter('wialon_calls_total', 'Calls of the Remote API.', [
    'api_service',
    'outcome',
  ]);
  const durations = metrics.histogram('wialon_call_duration_seconds', 'Duration of a call.', [
    'api_service',
  ]);
  const messages = metrics.counter('wialon_messages_total', 'Messages received.', ['way']);
  const sessions = metrics.counter('wialon_sessions_total', 'Logins, expiries, failures.', [
    'kind',
  ]);
  const gaps = metrics.counter('wialon_gaps_total', 'Reasons to read all units again.', ['why']);
  return {
    call: (service, outcome, seconds) => {
      calls.inc({ api_service: service, outcome }, 1);
      durations.observe({ api_service: service }, seconds);
    },
    messages: (way, count) => messages.inc({ way }, count),
    session: (kind) => sessions.inc({ kind }, 1),
    gap: (why) => gaps.inc({ why }, 1),
  };
}
