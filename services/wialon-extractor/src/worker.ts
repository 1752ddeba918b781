import { isFault, toFault } from '@waybill/fault';
import type { Owner } from '@waybill/stream';
import { createBackfills } from './backfill.ts';
import type { BackfillOrders } from './backfill-orders.ts';
import { accountKey, cursorKey, type Account } from './core/account.ts';
import { backoffMs } from './core/backoff.ts';
import { REFUSAL_WAIT_MS } from './ask.ts';
import { createContext, createMemory, type AccountContext, type AccountMemory } from './context.ts';
import { Live, type LiveState } from './live.ts';
import type { LoginGate } from './login-gate.ts';
import type { WorkerPorts } from './ports.ts';
import { startReaders } from './readers.ts';
import type { CursorMessage } from './records.ts';

const HOUR_MS = 3_600_000;

/** Where an account's worker stands. */
export type AccountState =
  'connecting' | 'catching_up' | 'live' | 'waiting' | 'refused' | 'stopped';

/** What `/health` says about an account. */
export interface AccountHealth {
  readonly state: AccountState;
  /** Everything registered up to here is published, ms; null = not known yet. */
  readonly complete_to: number | null;
  /** Live messages are published up to here, ms, whether older ones are missing or not. */
  readonly heard_to: number | null;
  readonly units: number;
  /** Hours of units that wait to be read again. */
  readonly dirty_hours: number;
}

/** A running worker. */
export interface AccountWorker {
  readonly account: Account;
  readonly health: () => AccountHealth;
  /** Resolves when it stopped; rejects with a bug. */
  readonly done: Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Nobody asks for back-fills. */
const NO_ORDERS: BackfillOrders = { apply: () => undefined, of: () => [] };

/**
 * One account's worker: a live session, and readers for intervals.
 *
 * connecting → catching_up → live, and back: a lost answer of the feed leads from live to catching_up, a
 * lost session to connecting. waiting: a transient failure backs off, then connecting. refused: a person
 * must act (token, right, secret); tried again every 60 s. stopped: not ours any more.
 *
 * Invariants. Progress and the live cursor move only in live. Entering live means: the session is
 * subscribed to every known unit, and after the subscription every unit's interval was read to its end;
 * so the live cursor says that all units are complete up to it. A page is never published without the
 * cursor that covers it, and no cursor moves without its page. A failed transaction ends all sessions'
 * work: what was not committed is read again.
 */
class Worker implements AccountWorker {
  readonly account: Account;
  readonly done: Promise<void>;
  readonly #owner: Owner<CursorMessage>;
  readonly #ports: WorkerPorts;
  readonly #gate: LoginGate;
  readonly #orders: BackfillOrders;
  readonly #memory: AccountMemory;
  readonly #stopping = new AbortController();
  readonly #live: LiveState;
  #state: AccountState = 'connecting';
  /** Sessions in a row that never became live. */
  #failures = 0;

  constructor(
    account: Account,
    owner: Owner<CursorMessage>,
    ports: WorkerPorts,
    gate: LoginGate,
    orders: BackfillOrders,
  ) {
    this.account = account;
    this.#owner = owner;
    this.#ports = ports;
    this.#gate = gate;
    this.#orders = orders;
    this.#memory = createMemory(account, ports);
    this.#live = {
      units: [],
      live: (isLive) => {
        this.#state = isLive ? 'live' : 'catching_up';
        if (isLive) this.#failures = 0;
      },
    };
    this.#restoreCounts();
    this.done = this.#run();
  }

  health(): AccountHealth {
    const live = this.#owner.cursors.get(cursorKey(this.account, null));
    return {
      state: this.#state,
      complete_to: live?.type === 'CursorMoved' ? live.value.read_to_time : null,
      heard_to: this.#memory.heardToMs,
      units: this.#live.units.length,
      dirty_hours: this.#memory.dirty.size,
    };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.done;
  }

  #restoreCounts(): void {
    const own = `${cursorKey(this.account, null)}/`;
    for (const [key, { type, value }] of this.#owner.cursors) {
      if (type !== 'CursorMoved' || !key.startsWith(own) || value.unit === null) continue;
      for (const hour of value.dirty_hours) this.#memory.dirty.markDue(value.unit, hour);
      if (value.hours_from_time === null) continue;
      const fromHour = Math.floor(value.hours_from_time / HOUR_MS);
      this.#memory.hours.restore(value.unit, { fromHour, counts: value.hour_counts });
    }
  }

  async #run(): Promise<void> {
    const revoked = AbortSignal.any([this.#owner.revoked, this.#stopping.signal]);
    const { tenantId: tenant_id, sourceId: source_id } = this.account;
    try {
      while (!revoked.aborted) await this.#epoch(revoked);
    } catch (error) {
      if (!isFault(error) || error.kind !== 'cancelled') throw error;
    } finally {
      this.#state = 'stopped';
      this.#ports.logger.info({ tenant_id, source_id }, 'account.stopped');
    }
  }

  /** From one failed transaction, or refusal of the whole account, to the next. */
  async #epoch(revoked: AbortSignal): Promise<void> {
    const ending = new AbortController();
    const signal = AbortSignal.any([revoked, ending.signal]);
    this.#memory.dirty.giveBack();
    const context = createContext(this.account, this.#owner, this.#ports, this.#memory, signal);
    const readers = startReaders(context, this.#gate);
    const backfills = createBackfills(context, this.#orders);
    const live = this.#listen(
      context,
      new Live(context, this.#gate, { readers, backfills }, this.#live),
    );
    let failure: unknown;
    try {
      await Promise.race([live, readers.done]);
    } catch (error) {
      failure = error;
    }
    ending.abort();
    await Promise.allSettled([live, readers.done]);
    // Before the next session begins: what this one still commits must not come behind its cursors.
    await context.commits.drained().catch(() => undefined);
    if (failure !== undefined) await this.#recover(failure, revoked);
  }

  /** The live feed over its sessions; what concerns only the session is waited for here. */
  async #listen(context: AccountContext, live: Live): Promise<void> {
    while (!context.signal.aborted) {
      try {
        await live.run();
      } catch (error) {
        if (!isFault(error)) throw error;
        const isSession = error.code === 'SESSION_LOST' || error.code.startsWith('PROVIDER_');
        if (!isSession) throw error;
        await this.#recover(error, context.signal);
      }
    }
  }

  /** Waits as the failure asks; what nobody recognised goes on up and ends the process. */
  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    const ports = this.#ports;
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
    const { tenantId: tenant_id, sourceId: source_id } = this.account;
    const { kind, code, message } = fault;
    ports.logger.warn(
      { tenant_id, source_id, kind, code, message, wait_ms: waitMs },
      'account.interrupted',
    );
    ports.metrics.gap('session');
    await ports.clock.wait(waitMs, signal);
    this.#state = 'connecting';
  }
}

/** Starts the worker of an account whose partition is owned. */
export function startWorker(
  account: Account,
  owner: Owner<CursorMessage>,
  ports: WorkerPorts,
  gate: LoginGate,
  orders: BackfillOrders = NO_ORDERS,
): AccountWorker {
  ports.logger.info(
    { tenant_id: account.tenantId, source_id: account.sourceId, key: accountKey(account) },
    'account.started',
  );
  return new Worker(account, owner, ports, gate, orders);
}
