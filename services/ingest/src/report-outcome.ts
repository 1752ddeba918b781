import { toFault, type Fault } from '@waybill/fault';
import type { Admission } from './adapters/admission.ts';
import { refusalAnswer, type Answer, type Refusal, type RefusalCode } from './core/answer.ts';
import type { IngestMetrics } from './metrics.ts';
import type { Logger } from './ports.ts';

/** How one request ended. */
export type Outcome =
  | { readonly kind: 'accepted'; readonly answer: Answer }
  | { readonly kind: 'repeated'; readonly answer: Answer }
  | Refusal
  | { readonly kind: 'failed'; readonly error: unknown };

/** What was learned about a request on its way. */
export interface Facts {
  outcome?: Outcome['kind'];
  duration_ms?: number;
}

/** What is said about it beside its outcome. */
export interface Account {
  /** Fields of the log line; how it ended is added. */
  readonly facts: Facts;
  /** From the whole body to the answer. */
  readonly seconds: number;
  /** That every answer of a known sender has. */
  readonly headers: Readonly<Record<string, string>> | undefined;
}

export interface ReportPorts {
  readonly metrics: IngestMetrics;
  readonly logger: Logger;
  readonly admission: Pick<Admission, 'worked' | 'failed' | 'retryAfterS'>;
}

const UNAUTHENTICATED = 401;

/** Counts, logs one line, tells the door what the way behind it is like, and makes the answer. */
export function reportOutcome(outcome: Outcome, account: Account, ports: ReportPorts): Answer {
  const answer = answerTo(outcome, account, ports);
  // Whoever is not believed learns nothing, not even which limits the true sender has.
  if (answer.status === UNAUTHENTICATED || account.headers === undefined) return answer;
  return { ...answer, headers: { ...answer.headers, ...account.headers } };
}

function answerTo(outcome: Outcome, account: Account, ports: ReportPorts): Answer {
  switch (outcome.kind) {
    case 'refused':
      return refused(outcome, account, ports);
    case 'failed':
      return failed(toFault(outcome.error, 'publish'), account, ports);
    case 'accepted':
    case 'repeated': {
      const { facts, seconds } = account;
      ports.metrics.answered(outcome.kind, 'none', seconds);
      if (outcome.kind === 'accepted') ports.admission.worked();
      facts.outcome = outcome.kind;
      facts.duration_ms = Math.round(seconds * 1000);
      // What was accepted stands in the raw topic with all of this; a line each would cost more than the rest.
      ports.logger.debug(facts, 'webhook.answered');
      return outcome.answer;
    }
  }
}

function refused(refusal: Refusal, account: Account, { metrics, logger }: ReportPorts): Answer {
  const { code, reason } = refusal;
  const { facts, seconds } = account;
  // Paths only: what was found there may be personal.
  const violations = refusal.violations?.map((violation) => violation.path);
  metrics.answered('refused', code, seconds);
  if (code === 'UNAUTHENTICATED') metrics.unauthenticated(reason ?? 'unknown');
  const duration_ms = Math.round(seconds * 1000);
  const fields = { ...facts, outcome: 'refused', code, reason, violations, duration_ms };
  logger.warn(fields, 'webhook.answered');
  return refusalAnswer(refusal);
}

function failed(fault: Fault, account: Account, ports: ReportPorts): Answer {
  const { metrics, logger, admission } = ports;
  const { facts, seconds } = account;
  const code = failureCode(fault);
  if (code === 'UNAVAILABLE') admission.failed();
  metrics.error(fault);
  metrics.answered('failed', code, seconds);
  const duration_ms = Math.round(seconds * 1000);
  logger.error({ ...facts, outcome: 'failed', code, duration_ms, err: fault }, 'webhook.answered');
  if (code === 'INTERNAL') return refusalAnswer({ kind: 'refused', code });
  return refusalAnswer({ kind: 'refused', code, retryAfterS: admission.retryAfterS(code) });
}

function failureCode(
  fault: Fault,
): Extract<RefusalCode, 'INTERNAL' | 'OVERLOADED' | 'UNAVAILABLE'> {
  if (fault.kind === 'bug') return 'INTERNAL';
  return fault.code === 'BACKPRESSURE' ? 'OVERLOADED' : 'UNAVAILABLE';
}
