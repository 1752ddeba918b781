import type { Fault } from '@waybill/fault';
import { isFault } from '@waybill/fault';
import type { Lane } from './budget.ts';
import { backoffMs, jitterMs } from './core/backoff.ts';
import { cureFor, type CureRow } from './core/cure.ts';
import { audit, type AccountContext } from './context.ts';
import { extractorFault } from './errors.ts';
import type { Exchange } from './ports.ts';
import { keepUnusable } from './unusable.ts';

/** Wait after a refused token or right; a person must act, so asking more often only feeds the block. */
export const REFUSAL_WAIT_MS = 60_000;

/** Tries of one call; with `backoff` their waits sum up to at most 31 s. */
const MAX_TRIES = 6;

/** A login at the provider. */
export interface Session {
  readonly sid: string;
  /** Fingerprint that stands in records and logs instead of the sid. */
  readonly hash: string;
  /** Fingerprint of the token, to see that it was replaced. */
  readonly tokenHash: string;
  /** Reference of the token. */
  readonly reference: string;
  /** Wall time of the login, ms. */
  readonly openedAt: number;
  /** What its calls are made for just now. */
  lane: Lane;
  /** Wall time at which its newest call began, ms: it ends 5 min later. */
  usedAt: number;
  /** Wall time at which its token was last compared with the secret store, ms. */
  checkedAt: number;
}

type Answered = Extract<Exchange, { kind: 'answer' }>;

/** An answer, or the error whose cure is left to the caller. */
export type Asked =
  | (Answered & { readonly traceparent: string | undefined })
  | { readonly kind: 'cured'; readonly row: CureRow; readonly code: number };

/** One exchange in its span, counted. Throws what the port throws. */
export async function exchange(
  context: AccountContext,
  service: string,
  parameters: Readonly<Record<string, unknown>>,
  sid: string | undefined,
  lane: Lane = 'live',
): Promise<Exchange & { readonly traceparent: string | undefined }> {
  const { account, ports, signal } = context;
  const { clock, metrics, tracer, wialon } = ports;
  const started = clock.now();
  try {
    const answer = await tracer.span(
      `wialon ${service}`,
      { attributes: { 'wialon.service': service, 'waybill.tenant': account.tenantId } },
      async (traceparent) => ({
        ...(await wialon.call(account.url, service, parameters, sid, signal)),
        traceparent,
      }),
    );
    const outcome = answer.kind === 'answer' ? 'answer' : 'refusal';
    metrics.call(service, outcome, (clock.now() - started) / 1000);
    return answer;
  } catch (error) {
    metrics.call(service, 'transport', (clock.now() - started) / 1000);
    await keepUnusable(context, { service, parameters, sid }, error, lane === 'backfill');
    throw error;
  }
}

/** Entries of a batch count one by one: nothing says that the provider does not. */
function callsOf(service: string, parameters: Readonly<Record<string, unknown>>): number {
  const { params } = parameters;
  return service === 'core/batch' && Array.isArray(params) ? params.length : 1;
}

/** The wait that a cure asks for before try `attempt` + 1, ms. */
export function waitOf(row: CureRow, attempt: number, random: number): number {
  switch (row.wait) {
    case 'none':
      return 0;
    case 'jitter':
      return jitterMs(attempt, random);
    case 'backoff':
      return backoffMs(attempt, random);
    case 'refusal':
      return REFUSAL_WAIT_MS;
  }
}

function sessionLost(service: string, code: number): Fault {
  return extractorFault('SESSION_LOST', `${service}: the session is gone (error ${code})`, {
    category: 'authentication',
  });
}

/** The audit line that a row asks for. */
async function auditRefusal(
  context: AccountContext,
  session: Session,
  service: string,
  answer: Extract<Exchange, { kind: 'refusal' }>,
  kind: 'EXPIRY' | 'FAILURE',
): Promise<void> {
  await audit(context, {
    kind,
    sessionHash: session.hash,
    errorCode: answer.code,
    reason: answer.reason === '' ? service : `${service}: ${answer.reason}`,
    latencyMs: answer.latencyMs,
  });
}

function denied(service: string, code: number, reason: string): Fault {
  const detail = reason === '' ? '' : `, ${reason}`;
  return extractorFault(
    'ACCESS_DENIED',
    `${service}: refused with error ${code}${detail}; give the token the right, or let Accept-Encoding through`,
    { category: 'authentication' },
  );
}

/**
 * Asks within a session and applies the cures that concern the call alone: retries with their waits,
 * the audit and Fault `SESSION_LOST` for a lost session, `ACCESS_DENIED`, and `PROVIDER_STUCK` after
 * the last try. Other cures are returned. A transport failure of the live feed is thrown at once: its
 * answer is lost, repeating the poll would hide that.
 */
export async function ask(
  context: AccountContext,
  session: Session,
  service: string,
  parameters: Readonly<Record<string, unknown>>,
): Promise<Asked> {
  const { ports, signal, fields } = context;
  for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
    let waitMs: number;
    await context.memory.budget.enter(session.lane, callsOf(service, parameters), signal);
    session.usedAt = ports.clock.now();
    try {
      const answer = await exchange(context, service, parameters, session.sid, session.lane);
      if (answer.kind === 'answer') return answer;
      const row = cureFor(service, answer.code, answer.reason);
      ports.logger.warn(
        {
          ...fields,
          api_service: service,
          code: answer.code,
          reason: answer.reason,
          cure: row.cure,
          attempt,
        },
        'call.refused',
      );
      if (row.audit !== 'none') await auditRefusal(context, session, service, answer, row.audit);
      if (row.cure === 'login') throw sessionLost(service, answer.code);
      if (row.cure === 'stop') throw denied(service, answer.code, answer.reason);
      if (row.cure !== 'retry') return { kind: 'cured', row, code: answer.code };
      waitMs = waitOf(row, attempt, ports.random());
    } catch (error) {
      if (!isFault(error) || !error.code.startsWith('PROVIDER_') || service === 'avl_evts') {
        throw error;
      }
      ports.logger.warn(
        { ...fields, api_service: service, code: error.code, message: error.message, attempt },
        'call.failed',
      );
      waitMs = backoffMs(attempt, ports.random());
    }
    await ports.clock.wait(waitMs, signal);
  }
  throw extractorFault('PROVIDER_STUCK', `${service}: failed ${MAX_TRIES} times in a row`);
}
