/** How a call ended. */
export type CallOutcome = 'answer' | 'refusal' | 'transport';

/** Domain metrics; records written are counted by the stream. */
export interface ExtractorMetrics {
  readonly call: (service: string, outcome: CallOutcome, seconds: number) => void;
  /** Messages received, live or by interval. */
  readonly messages: (way: 'live' | 'interval' | 'backfill', count: number) => void;
  /** A line of the authentication audit. */
  readonly session: (kind: string) => void;
  /** Why units had to be read again. */
  readonly gap: (why: 'session' | 'answer') => void;
  /** A lane waited for the budget. */
  readonly held: (lane: string, seconds: number) => void;
  /** Expected use of a limit at the end of its window; 1 = all of it. */
  readonly forecast: (account: string, limit: string, share: number) => void;
  /** Hours of units compared with the provider's counts. */
  readonly proved: (outcome: 'equal' | 'different' | 'unknown', hours: number) => void;
  /** An answer that is of no use; those that are not kept repeat one that was, or are too many. */
  readonly unusable: (outcome: 'kept' | 'repeated' | 'over_limit') => void;
  /** Jobs and hours that wait to be read. */
  readonly waiting: (account: string, lane: string, count: number) => void;
}

type Labels = Record<string, string>;

/** Structural part of the process's registry that is needed here. */
interface Registry {
  readonly counter: (
    name: string,
    help: string,
    labels?: readonly string[],
  ) => { readonly inc: (labels: Labels, count: number) => void };
  readonly gauge: (
    name: string,
    help: string,
    labels?: readonly string[],
  ) => { readonly set: (labels: Labels, value: number) => void };
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
  const held = metrics.counter('wialon_budget_held_seconds_total', 'Waits for the budget.', [
    'lane',
  ]);
  const forecasts = metrics.gauge(
    'wialon_budget_forecast_ratio',
    'Expected use of a limit at the end of its window; 1 = all of it.',
    ['account', 'limit'],
  );
  const proofs = metrics.counter('wialon_proved_hours_total', 'Hours of units that were counted.', [
    'outcome',
  ]);
  const waiting = metrics.gauge('wialon_waiting_intervals', 'Intervals that wait to be read.', [
    'account',
    'lane',
  ]);
  const unusable = metrics.counter(
    'wialon_unusable_answers_total',
    'Answers that are not what their call answers with, and whether they were kept.',
    ['outcome'],
  );
  return {
    call: (service, outcome, seconds) => {
      calls.inc({ api_service: service, outcome }, 1);
      durations.observe({ api_service: service }, seconds);
    },
    messages: (way, count) => messages.inc({ way }, count),
    session: (kind) => sessions.inc({ kind }, 1),
    gap: (why) => gaps.inc({ why }, 1),
    held: (lane, seconds) => held.inc({ lane }, seconds),
    forecast: (account, limit, share) => forecasts.set({ account, limit }, share),
    proved: (outcome, hours) => proofs.inc({ outcome }, hours),
    unusable: (outcome) => unusable.inc({ outcome }, 1),
    waiting: (account, lane, count) => waiting.set({ account, lane }, count),
  };
}
