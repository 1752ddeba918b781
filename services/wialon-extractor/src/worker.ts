import { isFault, toFault } from '@waybill/fault';
import type { Owner } from '@waybill/stream';
import { accountKey, unitName, type Account } from './core/account.ts';
import { backoffMs } from './core/backoff.ts';
import { exchange, REFUSAL_WAIT_MS, type Session } from './ask.ts';
import { audit, createContext, cursorOf, type AccountContext } from './context.ts';
import { discoverUnits, discoverZones, subscribe, type Published } from './discover.ts';
import { createFeed, type Feed } from './feed.ts';
import { login } from './login.ts';
import type { LoginGate } from './login-gate.ts';
import type { WorkerPorts } from './ports.ts';
import { readUnit } from './read-unit.ts';
import { forgottenCursor, type CursorMessage } from './records.ts';

/** Units and zones are looked up again this often, wall time. */
const DISCOVERY_MS = 300_000;
/** While intervals are read, the feed is emptied this often: sessions end after 5 min without a call. */
const FEED_EVERY_MS = 30_000;
/** Least wall time between two logins of an account, however short its sessions are. */
const MIN_LOGIN_GAP_MS = 2000;
const LOGOUT_TIMEOUT_MS = 2000;

/** Where an account's worker stands. */
export type AccountState =
  'connecting' | 'catching_up' | 'live' | 'waiting' | 'refused' | 'stopped';

/** What `/health` says about an account. */
export interface AccountHealth {
  readonly state: AccountState;
  /** Everything registered up to here is published, ms; null = not known yet. */
  readonly complete_to: number | null;
  readonly units: number;
}

/** A running worker. */
export interface AccountWorker {
  readonly account: Account;
  readonly health: () => AccountHealth;
  /** Resolves when it stopped; rejects with a bug. */
  readonly done: Promise<void>;
  readonly stop: () => Promise<void>;
}

/**
 * One account's worker, one call at a time.
 *
 * connecting → catching_up → live, and back: a lost answer of the feed leads from live to catching_up, a
 * lost session to connecting. waiting: a transient failure backs off, then connecting. refused: a person
 * must act (token, right, secret); tried again every 60 s. stopped: not ours any more.
 *
 * Invariants. Progress and the live cursor move only in live. Entering live means: the session is
 * subscribed to every known unit, and after the subscription every unit's interval was read to its end;
 * so the live cursor says that all units are complete up to it. A page is never published without the
 * cursor that covers it, and no cursor moves without its page.
 */
class Worker implements AccountWorker {
  readonly account: Account;
  readonly done: Promise<void>;
  readonly #context: AccountContext;
  readonly #gate: LoginGate;
  readonly #stopping = new AbortController();
  readonly #published: Published = new Map();
  #state: AccountState = 'connecting';
  #units: readonly number[] = [];
  /** Units that could not be read; tried again at the next discovery. */
  #skipped = new Set<number>();
  #loggedInAt = Number.NEGATIVE_INFINITY;
  /** Sessions in a row that never became live. */
  #failures = 0;

  constructor(account: Account, owner: Owner<CursorMessage>, ports: WorkerPorts, gate: LoginGate) {
    const signal = AbortSignal.any([owner.revoked, this.#stopping.signal]);
    this.account = account;
    this.#gate = gate;
    this.#context = createContext(account, owner, ports, signal);
    this.done = this.#run();
  }

  health(): AccountHealth {
    return {
      state: this.#state,
      complete_to: cursorOf(this.#context, null)?.readToTime ?? null,
      units: this.#units.length,
    };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.done;
  }

  async #run(): Promise<void> {
    const { signal, ports, fields } = this.#context;
    try {
      while (!signal.aborted) {
        try {
          await this.#session();
        } catch (error) {
          await this.#recover(error);
        }
      }
    } catch (error) {
      if (!isFault(error) || error.kind !== 'cancelled') throw error;
    } finally {
      this.#state = 'stopped';
      ports.logger.info(fields, 'account.stopped');
    }
  }

  /** Waits as the failure asks; what nobody recognised goes on up and ends the process. */
  async #recover(error: unknown): Promise<void> {
    const { signal, ports, fields } = this.#context;
    const fault = toFault(error, 'decode');
    if (fault.kind === 'cancelled' || fault.kind === 'bug') throw fault;
    const isRefused = fault.kind === 'misconfigured';
    const isExpiry = fault.code === 'SESSION_LOST' && this.#failures === 0;
    const waitMs = isRefused
      ? REFUSAL_WAIT_MS
      : isExpiry
        ? 0
        : backoffMs(this.#failures, ports.random());
    this.#failures += 1;
    this.#state = isRefused ? 'refused' : 'waiting';
    const line = { ...fields, kind: fault.kind, code: fault.code, message: fault.message };
    ports.logger.warn({ ...line, wait_ms: waitMs }, 'account.interrupted');
    ports.metrics.gap('session');
    await ports.clock.wait(waitMs, signal);
  }

  async #session(): Promise<void> {
    const { ports, signal } = this.#context;
    this.#state = 'connecting';
    const early = this.#loggedInAt + MIN_LOGIN_GAP_MS - ports.clock.now();
    if (early > 0) await ports.clock.wait(early, signal);
    const session = await login(this.#context, this.#gate);
    this.#loggedInAt = ports.clock.now();
    try {
      await this.#work(session);
    } catch (error) {
      // Before the next session begins: what this one still commits must not come behind its cursors.
      await session.commits.drained().catch(() => undefined);
      if (signal.aborted) await this.#logout(session);
      throw error;
    }
  }

  async #work(session: Session): Promise<void> {
    const { ports, signal, account } = this.#context;
    this.#skipped.clear();
    await this.#discover(session);
    await subscribe(this.#context, session, 'all');
    const feed = createFeed(this.#context, session, () => new Set(this.#units));
    // The session's past is not in its feed: every unit is incomplete until its interval was read.
    let unread: readonly number[] = this.#units;
    let discoveredAt = ports.clock.now();
    for (;;) {
      if (unread.length > 0) {
        unread = await this.#catchUp(session, feed, unread);
        continue;
      }
      const dueMs = feed.dueIn(account.pollIntervalMs);
      if (dueMs > 0) await ports.clock.wait(dueMs, signal);
      const polled = await feed.poll(true);
      if (polled.complete) {
        this.#failures = 0;
        this.#state = 'live';
      } else {
        ports.metrics.gap('answer');
        await ports.clock.wait(backoffMs(0, ports.random()), signal);
      }
      if (polled.unitsChanged || ports.clock.now() - discoveredAt >= DISCOVERY_MS) {
        unread = await this.#rediscover(session);
        discoveredAt = ports.clock.now();
      }
      if (!polled.complete) unread = this.#units;
    }
  }

  /** Looks for units again; returns those that are new, and those that could not be read before. */
  async #rediscover(session: Session): Promise<readonly number[]> {
    const known = new Set(this.#units);
    const retried = this.#skipped;
    this.#skipped = new Set();
    await this.#discover(session);
    const gained = this.#units.filter((id) => !known.has(id));
    if (gained.length > 0) await subscribe(this.#context, session, gained);
    return this.#units.filter((id) => !known.has(id) || retried.has(id));
  }

  async #discover(session: Session): Promise<void> {
    const { ports, account, fields } = this.#context;
    this.#units = await discoverUnits(this.#context, session, this.#published);
    if (account.wantsZones) await discoverZones(this.#context, session, this.#published);
    ports.logger.debug({ ...fields, units: this.#units.length }, 'units.discovered');
  }

  /** Reads the intervals of units; returns those that are unread again because the feed lost an answer. */
  async #catchUp(
    session: Session,
    feed: Feed,
    units: readonly number[],
  ): Promise<readonly number[]> {
    const { ports, fields } = this.#context;
    this.#state = 'catching_up';
    const started = ports.clock.now();
    let isFeedWhole = true;
    const between = async (): Promise<void> => {
      const emptiedAt = Math.max(session.openedAt, session.polledAt);
      if (ports.clock.now() - emptiedAt < FEED_EVERY_MS) return;
      const polled = await feed.poll(false);
      isFeedWhole &&= polled.complete;
    };
    for (const id of units) {
      const isRead = await readUnit(this.#context, session, id, between);
      if (!isRead) await this.#skip(session, id);
      await between();
    }
    await session.commits.drained();
    const duration_ms = ports.clock.now() - started;
    ports.logger.info(
      { ...fields, session: session.hash, units: units.length, duration_ms },
      'account.caught_up',
    );
    return isFeedWhole ? [] : this.#units;
  }

  /**
   * Leaves out a unit that cannot be read. Its cursor goes: progress moves on without the unit, so once
   * it can be read again, it must be read from the start.
   */
  async #skip(session: Session, id: number): Promise<void> {
    const { account, ports, fields } = this.#context;
    const unit = unitName(id);
    this.#skipped.add(id);
    ports.logger.warn({ ...fields, unit }, 'unit.unreadable');
    if (cursorOf(this.#context, unit) !== undefined) {
      await session.commits.add({ records: [forgottenCursor(account, unit)], bytes: 0 });
    }
  }

  /** Frees the session at the provider, which allows 100 of them. Best effort: we are already leaving. */
  async #logout(session: Session): Promise<void> {
    const context = { ...this.#context, signal: AbortSignal.timeout(LOGOUT_TIMEOUT_MS) };
    try {
      const { latencyMs } = await exchange(context, 'core/logout', {}, session.sid);
      await audit(context, {
        kind: 'LOGOUT',
        sessionHash: session.hash,
        errorCode: null,
        reason: null,
        latencyMs,
      });
    } catch {
      // The provider is away, or the next owner has taken over: the session ends by itself after 5 min.
    }
  }
}

/** Starts the worker of an account whose partition is owned. */
export function startWorker(
  account: Account,
  owner: Owner<CursorMessage>,
  ports: WorkerPorts,
  gate: LoginGate,
): AccountWorker {
  ports.logger.info(
    { tenant_id: account.tenantId, source_id: account.sourceId, key: accountKey(account) },
    'account.started',
  );
  return new Worker(account, owner, ports, gate);
}
