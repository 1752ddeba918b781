import { isFault } from '@waybill/fault';
import { HEARTBEAT_S } from '@waybill/tenant';
import { LANES, type Lane } from './budget.ts';
import { backoffMs } from './core/backoff.ts';
import { createJobQueue } from './core/job-queue.ts';
import { ask, REFUSAL_WAIT_MS, type Session } from './ask.ts';
import { accountKey } from './core/account.ts';
import type { AccountContext } from './context.ts';
import { login, logout, staleness } from './login.ts';
import type { LoginGate } from './login-gate.ts';

/** A session without work is kept alive this often: it would end after 5 min. */
const HEARTBEAT_MS = HEARTBEAT_S * 1000;
/** A session that had no work for so long is given back. */
const IDLE_MS = 600_000;

/** Work within a session that reads intervals. */
export interface Job {
  /** What the log calls it. */
  readonly what: string;
  readonly run: (session: Session, mayGoOn: () => boolean) => Promise<void>;
}

/** The sessions that read intervals. */
export interface Readers {
  readonly add: (lane: Lane, job: Job) => void;
  readonly waiting: (lane: Lane) => number;
  /** Jobs of a lane that are not wanted any more. */
  readonly clear: (lane: Lane) => void;
  /** Resolves when the signal of the context aborted and all have ended; rejects with what ended one. */
  readonly done: Promise<void>;
}

/** Resolves at the next call of `wake`, after `ms`, or when the signal aborts. */
function createBell(context: AccountContext): {
  readonly wait: (ms: number) => Promise<void>;
  readonly ring: () => void;
} {
  let ringing = new AbortController();
  return {
    wait: async (ms) => {
      const signal = AbortSignal.any([ringing.signal, context.signal]);
      await context.ports.clock.wait(ms, signal).catch((error: unknown) => {
        if (!isFault(error) || error.kind !== 'cancelled') throw error;
      });
    },
    ring: () => {
      ringing.abort();
      ringing = new AbortController();
    },
  };
}

/**
 * The pool of an account: each reader has a session of its own, opened with its first job, kept alive by
 * a poll every 60 s, replaced when its token was, given back after 10 min without work. Jobs go by
 * urgency. A lost session or a call that keeps failing gives the job to the next session; what concerns
 * the whole account (a failed transaction, a missing right, a bug) ends all of them.
 */
export function startReaders(context: AccountContext, gate: LoginGate): Readers {
  const { account, ports, signal } = context;
  const queue = createJobQueue<Lane, Job>(LANES);
  const bell = createBell(context);
  const key = accountKey(account);

  function counted(lane: Lane): void {
    ports.metrics.waiting(key, lane, queue.size(lane));
  }

  async function keepAlive(session: Session): Promise<Session | undefined> {
    if (ports.clock.now() - session.usedAt < HEARTBEAT_MS) return session;
    session.lane = 'live';
    try {
      // This session is subscribed to nothing: the answer holds nothing that could be lost.
      await ask(context, session, 'avl_evts', {});
      return session;
    } catch (error) {
      if (!passes(error)) throw error;
      return undefined;
    }
  }

  async function openedFor(number: number, session: Session | undefined): Promise<Session> {
    if (session === undefined)
      return login(context, gate, { kind: 'LOGIN', text: `reader ${number}` });
    const why = await staleness(context, session);
    if (why === undefined) return session;
    const fresh = await login(context, gate, { kind: 'REFRESH', text: `reader ${number}: ${why}` });
    await logout(context, session, why);
    return fresh;
  }

  async function idle(session: Session | undefined, sinceMs: number): Promise<Session | undefined> {
    await bell.wait(session === undefined ? IDLE_MS : HEARTBEAT_MS);
    if (session === undefined || signal.aborted) return session;
    if (ports.clock.now() - sinceMs < IDLE_MS) return keepAlive(session);
    await logout(context, session, 'no work');
    return undefined;
  }

  async function read(number: number): Promise<void> {
    let session: Session | undefined;
    let failures = 0;
    let workedAt = ports.clock.now();
    try {
      while (!signal.aborted) {
        const next = queue.take();
        if (next === undefined) {
          session = await idle(session, workedAt);
          continue;
        }
        const { lane, job } = next;
        counted(lane);
        try {
          session = await openedFor(number, session);
          session.lane = lane;
          await job.run(session, () => !queue.hasBefore(lane));
          failures = 0;
        } catch (error) {
          if (!passes(error)) throw error;
          // Work that the provider cannot do just now goes behind the others.
          if (error.code === 'SESSION_LOST') queue.putBack(lane, job);
          else queue.add(lane, job);
          const isFirst = session !== undefined && failures === 0;
          const waitMs =
            error.code === 'LOGIN_REFUSED'
              ? REFUSAL_WAIT_MS
              : isFirst
                ? 0
                : backoffMs(failures, ports.random());
          failures += 1;
          // Whatever it was, the loader of this session is in doubt.
          session = undefined;
          const { code, message } = error;
          ports.logger.warn(
            { ...context.fields, reader: number, job: job.what, code, message, wait_ms: waitMs },
            'reader.interrupted',
          );
          if (waitMs > 0) await ports.clock.wait(waitMs, signal);
        }
        workedAt = ports.clock.now();
      }
    } catch (error) {
      if (!signal.aborted || !isFault(error) || error.kind !== 'cancelled') throw error;
    } finally {
      if (session !== undefined) await logout(context, session, 'leaving');
    }
  }

  const all = Promise.all(Array.from({ length: account.readers }, (_, at) => read(at + 1)));
  return {
    add: (lane, job) => {
      queue.add(lane, job);
      counted(lane);
      bell.ring();
    },
    waiting: queue.size,
    clear: (lane) => {
      queue.clear(lane);
      counted(lane);
    },
    done: all.then(() => undefined),
  };
}

/** A lost session, refused tokens while the live session still stands, or a provider that cannot answer. */
function passes(error: unknown): error is Error & { readonly code: string } {
  if (!isFault(error)) return false;
  const { code } = error;
  return code === 'SESSION_LOST' || code === 'LOGIN_REFUSED' || code.startsWith('PROVIDER_');
}
