import { shortHash } from '@waybill/domain';
import { isFault, type Fault } from '@waybill/fault';
import { cureFor } from './core/cure.ts';
import { exchange, type Session } from './ask.ts';
import { audit, type AccountContext } from './context.ts';
import { extractorFault, withAnswer } from './errors.ts';
import type { LoginGate } from './login-gate.ts';
import { keepUnusable } from './unusable.ts';

/** Least wall time between two logins of an account, however short its sessions are. */
const MIN_LOGIN_GAP_MS = 1000;
const LOGOUT_TIMEOUT_MS = 2000;
/** The secret store is asked this often whether a token was replaced. */
const TOKEN_CHECK_MS = 60_000;
/** A session is replaced before the provider may find it too old. */
const MAX_AGE_MS = 24 * 3_600_000;

/** Why a session is opened. */
export interface LoginReason {
  readonly kind: 'LOGIN' | 'REFRESH';
  /** Who logs in, and why it is refreshed. */
  readonly text: string;
}

function sessionOf(
  context: AccountContext,
  json: unknown,
  reference: string,
  token: string,
): Session | undefined {
  if (typeof json !== 'object' || json === null || !('eid' in json) || !('tm' in json)) {
    return undefined;
  }
  const { eid, tm } = json;
  if (typeof eid !== 'string' || eid === '' || typeof tm !== 'number') return undefined;
  const { memory, ports } = context;
  if (Number.isFinite(tm)) memory.providerNowS = Math.max(memory.providerNowS, Math.trunc(tm));
  const now = ports.clock.now();
  return {
    sid: eid,
    hash: shortHash(eid),
    tokenHash: shortHash(token),
    reference,
    openedAt: now,
    lane: 'live',
    usedAt: now,
    checkedAt: now,
  };
}

async function failed(
  context: AccountContext,
  errorCode: number | null,
  reason: string,
  latencyMs: number,
): Promise<void> {
  await audit(context, { kind: 'FAILURE', sessionHash: null, errorCode, reason, latencyMs });
}

/** Asks for a session with the token; an answer that did not come is audited too. */
async function exchangeOf(context: AccountContext, token: string): ReturnType<typeof exchange> {
  const { memory, ports, signal } = context;
  const early = memory.loggedInAt + MIN_LOGIN_GAP_MS - ports.clock.now();
  memory.loggedInAt = ports.clock.now() + Math.max(0, early);
  if (early > 0) await ports.clock.wait(early, signal);
  const started = ports.clock.now();
  try {
    return await exchange(context, 'token/login', { token, fl: 1 }, undefined);
  } catch (error) {
    const code = isFault(error) ? error.code : 'UNEXPECTED';
    if (code !== 'STOPPED') await failed(context, null, code, ports.clock.now() - started);
    throw error;
  }
}

/** One token: a session, or the Fault that says why not; `refused` when another token may help. */
async function tryToken(
  context: AccountContext,
  gate: LoginGate,
  index: number,
  why: LoginReason,
): Promise<Session | { readonly fault: Fault; readonly refused: boolean }> {
  const { account, memory, ports, signal } = context;
  const reference = account.tokens[index] ?? '';
  let token: string;
  try {
    token = await ports.secret(reference);
  } catch (error) {
    if (!isFault(error) || error.kind !== 'misconfigured') throw error;
    await failed(context, null, `token ${index + 1}: ${error.code}`, 0);
    return { fault: error, refused: true };
  }
  const turn = await gate.enter(account.url, memory.isLoginFailing, signal);
  const answer = await exchangeOf(context, token).then(
    (exchanged) => {
      turn.end(exchanged.kind === 'refusal' ? 'refused' : 'accepted');
      return exchanged;
    },
    (error: unknown) => {
      turn.end('unanswered');
      throw error;
    },
  );
  if (answer.kind === 'answer') {
    const session = sessionOf(context, answer.json, reference, token);
    if (session !== undefined) {
      memory.tokenIndex = index;
      await audit(context, {
        kind: why.kind,
        sessionHash: session.hash,
        errorCode: null,
        reason: index === 0 ? why.text : `${why.text}, token ${index + 1}`,
        latencyMs: answer.latencyMs,
      });
      return session;
    }
    await failed(context, null, 'PROVIDER_GARBLED', answer.latencyMs);
    const message = 'token/login: expected eid and tm, found neither';
    const { body } = answer;
    const fault = withAnswer(extractorFault('PROVIDER_GARBLED', message), {
      ...{ status: 200, contentType: null, body },
    });
    const asked = { service: 'token/login', parameters: { token, fl: 1 }, sid: undefined };
    await keepUnusable(context, asked, fault);
    return { fault, refused: false };
  }
  const detail = answer.reason === '' ? '' : `, ${answer.reason}`;
  await failed(context, answer.code, `token ${index + 1}${detail}`, answer.latencyMs);
  const row = cureFor('token/login', answer.code, answer.reason);
  const text = `token/login: error ${answer.code}${detail} for ${reference} (${row.why})`;
  return row.cure === 'next_token'
    ? {
        fault: extractorFault('LOGIN_REFUSED', `${text}; put a valid token there`, {
          category: 'authentication',
        }),
        refused: true,
      }
    : { fault: extractorFault('PROVIDER_STUCK', text), refused: false };
}

/**
 * Logs in with the account's tokens, the one that worked last first; the other one only when the provider
 * refuses it. Every try is audited. Throws `LOGIN_REFUSED` when all are refused, a `transient` Fault when
 * the provider cannot answer, and the secret store's Fault when a reference leads nowhere.
 */
export async function login(
  context: AccountContext,
  gate: LoginGate,
  why: LoginReason,
): Promise<Session> {
  const count = context.account.tokens.length;
  let fault: Fault | undefined;
  for (let step = 0; step < count; step += 1) {
    const index = (context.memory.tokenIndex + step) % count;
    const result = await tryToken(context, gate, index, why);
    if ('sid' in result) {
      context.memory.isLoginFailing = false;
      return result;
    }
    fault = result.fault;
    context.ports.logger.warn(
      { ...context.fields, code: fault.code, message: fault.message },
      'login.failed',
    );
    if (!result.refused) break;
    // A token that was put right again is found by starting with the first one.
    if (step === count - 1) context.memory.tokenIndex = 0;
  }
  context.memory.isLoginFailing = true;
  throw fault ?? extractorFault('LOGIN_REFUSED', 'the account names no token');
}

/** Why a session should be replaced before it ends by itself; undefined = it is good. */
export async function staleness(
  context: AccountContext,
  session: Session,
): Promise<string | undefined> {
  const { ports } = context;
  const now = ports.clock.now();
  if (now - session.openedAt >= MAX_AGE_MS) return 'a day old';
  if (now - session.checkedAt < TOKEN_CHECK_MS) return undefined;
  session.checkedAt = now;
  try {
    const token = await ports.secret(session.reference);
    return shortHash(token) === session.tokenHash ? undefined : 'the token was replaced';
  } catch {
    // The store is away, or the reference leads nowhere now: the session still works.
    return undefined;
  }
}

/** Frees a session at the provider, which allows 100 of them. Best effort: we are already leaving. */
export async function logout(
  context: AccountContext,
  session: Session,
  reason: string,
): Promise<void> {
  const leaving = { ...context, signal: AbortSignal.timeout(LOGOUT_TIMEOUT_MS) };
  try {
    const { latencyMs } = await exchange(leaving, 'core/logout', {}, session.sid);
    await audit(leaving, {
      kind: 'LOGOUT',
      sessionHash: session.hash,
      errorCode: null,
      reason,
      latencyMs,
    });
  } catch {
    // The provider is away, or the next owner has taken over: the session ends by itself after 5 min.
  }
}
