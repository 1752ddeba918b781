import { shortHash } from '@waybill/domain';
import { isFault, type Fault } from '@waybill/fault';
import { cureFor } from './core/cure.ts';
import { exchange, type Session } from './ask.ts';
import { createCommitQueue } from './commit-queue.ts';
import { audit, type AccountContext } from './context.ts';
import { extractorFault } from './errors.ts';
import type { LoginGate } from './login-gate.ts';

function sessionOf(context: AccountContext, json: unknown): Session | undefined {
  if (typeof json !== 'object' || json === null || !('eid' in json) || !('tm' in json)) {
    return undefined;
  }
  const { eid, tm } = json;
  if (typeof eid !== 'string' || eid === '' || typeof tm !== 'number') return undefined;
  return {
    sid: eid,
    hash: shortHash(eid),
    commits: createCommitQueue((records) => context.owner.commit(records)),
    providerNowS: Math.trunc(tm),
    openedAt: context.ports.clock.now(),
    polledAt: -Infinity,
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

/** One token: a session, or the Fault that says why not; `refused` when another token may help. */
async function tryToken(
  context: AccountContext,
  gate: LoginGate,
  index: number,
  reference: string,
): Promise<Session | { readonly fault: Fault; readonly refused: boolean }> {
  const { account, ports, signal } = context;
  const token = await ports.secret(reference);
  await gate.enter(account.url, signal);
  const started = ports.clock.now();
  const answer = await exchange(context, 'token/login', { token, fl: 1 }, undefined).catch(
    async (error: unknown) => {
      const code = isFault(error) ? error.code : 'UNEXPECTED';
      if (code !== 'STOPPED') await failed(context, null, code, ports.clock.now() - started);
      throw error;
    },
  );
  if (answer.kind === 'answer') {
    const session = sessionOf(context, answer.json);
    if (session !== undefined) {
      await audit(context, {
        kind: 'LOGIN',
        sessionHash: session.hash,
        errorCode: null,
        reason: index === 0 ? null : `token ${index + 1}`,
        latencyMs: answer.latencyMs,
      });
      return session;
    }
    await failed(context, null, 'PROVIDER_GARBLED', answer.latencyMs);
    const message = 'token/login: expected eid and tm, found neither';
    return { fault: extractorFault('PROVIDER_GARBLED', message), refused: false };
  }
  gate.failed(account.url);
  const detail = answer.reason === '' ? '' : `, ${answer.reason}`;
  await failed(context, answer.code, `token ${index + 1}${detail}`, answer.latencyMs);
  const { cure, why } = cureFor('token/login', answer.code, answer.reason);
  const text = `token/login: error ${answer.code}${detail} for ${reference} (${why})`;
  return cure === 'next_token'
    ? {
        fault: extractorFault('LOGIN_REFUSED', `${text}; put a valid token there`, {
          category: 'authentication',
        }),
        refused: true,
      }
    : { fault: extractorFault('PROVIDER_STUCK', text), refused: false };
}

/**
 * Logs in with the account's tokens in order; the next one only when the provider refuses one. Every
 * try is audited. Throws `LOGIN_REFUSED` when all are refused, a `transient` Fault when the provider
 * cannot answer, and the secret store's Fault when a reference leads nowhere.
 */
export async function login(context: AccountContext, gate: LoginGate): Promise<Session> {
  let fault: Fault | undefined;
  for (const [index, reference] of context.account.tokens.entries()) {
    const result = await tryToken(context, gate, index, reference);
    if ('sid' in result) return result;
    fault = result.fault;
    context.ports.logger.warn(
      { ...context.fields, code: fault.code, message: fault.message },
      'login.failed',
    );
    if (!result.refused) break;
  }
  throw fault ?? extractorFault('LOGIN_REFUSED', 'the account names no token');
}
