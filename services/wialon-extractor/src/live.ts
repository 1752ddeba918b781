import { DISCOVERY_S } from '@waybill/tenant';
import { backoffMs } from './core/backoff.ts';
import { hourOf } from './core/hour-counts.ts';
import { unitName } from './core/account.ts';
import type { Session } from './ask.ts';
import { cursorOf, type AccountContext } from './context.ts';
import { discoverResources, discoverUnits, subscribeAll, subscribeMore } from './discover.ts';
import { createFeed, type Feed } from './feed.ts';
import { login, logout, staleness } from './login.ts';
import type { LoginGate } from './login-gate.ts';
import { createProofs, type Proofs } from './proofs.ts';
import type { Readers } from './readers.ts';
import { readUnit } from './read-unit.ts';
import { forgottenCursor } from './records.ts';
import { createUpkeep, type Upkeep } from './upkeep.ts';
import { closeVanished } from './vanished.ts';
import type { Backfills } from './backfill.ts';

/** Units and resources are looked up again this often, wall time. */
const DISCOVERY_MS = DISCOVERY_S * 1000;

/** What the live part tells the worker. */
export interface LiveState {
  /** False while units have to be read before progress can go on. */
  readonly live: (isLive: boolean) => void;
  units: readonly number[];
}

/**
 * The live feed of an account over its sessions. It goes on while readers close gaps: pages flow, and
 * progress waits. A gap has a number; a unit is complete when an interval was read to its end that was
 * asked for after the gap began, and progress moves when no unit is incomplete.
 */
export class Live {
  readonly #context: AccountContext;
  readonly #gate: LoginGate;
  readonly #readers: Readers;
  readonly #state: LiveState;
  readonly #proofs: Proofs;
  readonly #upkeep: Upkeep;
  /** Units whose interval has still to be read since the newest gap. */
  readonly #incomplete = new Set<number>();
  /** Units that could not be read; tried again at the next discovery. */
  readonly #skipped = new Set<number>();
  #gap = 0;
  #gapAt = 0;
  #discoveredAt = Number.NEGATIVE_INFINITY;

  constructor(
    context: AccountContext,
    gate: LoginGate,
    parts: { readonly readers: Readers; readonly backfills: Backfills },
    state: LiveState,
  ) {
    this.#context = context;
    this.#gate = gate;
    this.#readers = parts.readers;
    this.#state = state;
    this.#proofs = createProofs(context, parts.readers);
    this.#upkeep = createUpkeep(context, parts.readers, parts.backfills);
  }

  /** One session and those that replace it in time; ends with what ended the last one. */
  async run(): Promise<void> {
    const { ports, signal, account } = this.#context;
    let session = await login(this.#context, this.#gate, { kind: 'LOGIN', text: 'live' });
    try {
      let feed = await this.#open(session);
      this.#beginGap();
      for (;;) {
        const dueMs = feed.dueIn(account.pollIntervalMs);
        if (dueMs > 0) await ports.clock.wait(dueMs, signal);
        await this.#turn(session, feed);
        const why = await staleness(this.#context, session);
        if (why !== undefined) [session, feed] = await this.#replace(session, feed, why);
      }
    } catch (error) {
      if (signal.aborted) await logout(this.#context, session, 'leaving');
      throw error;
    }
  }

  async #open(session: Session): Promise<Feed> {
    await this.#discover(session);
    await subscribeAll(this.#context, session, this.#state.units);
    return createFeed(this.#context, session, () => new Set(this.#state.units));
  }

  /**
   * A session that is to end is handed over without a gap: the new one is subscribed before the old one
   * is asked for the last time. What is registered between the two comes twice.
   */
  async #replace(session: Session, feed: Feed, why: string): Promise<[Session, Feed]> {
    const fresh = await login(this.#context, this.#gate, { kind: 'REFRESH', text: `live: ${why}` });
    await subscribeAll(this.#context, fresh, this.#state.units);
    const last = await feed.poll(false);
    if (!last.complete) this.#beginGap();
    await logout(this.#context, session, why);
    return [fresh, createFeed(this.#context, fresh, () => new Set(this.#state.units))];
  }

  async #turn(session: Session, feed: Feed): Promise<void> {
    const { ports, signal } = this.#context;
    const isComplete = this.#incomplete.size === 0;
    const polled = await feed.poll(isComplete, this.#proofs.provedDay());
    if (!polled.complete) {
      ports.metrics.gap('answer');
      this.#beginGap();
      await ports.clock.wait(backoffMs(0, ports.random()), signal);
    } else if (isComplete) {
      this.#state.live(true);
    }
    const isDue = ports.clock.now() - this.#discoveredAt >= DISCOVERY_MS;
    if (polled.unitsChanged || isDue) await this.#rediscover(session);
    if (this.#incomplete.size === 0) this.#proofs.turn(this.#state.units);
    await this.#upkeep.turn(this.#state.units);
  }

  /** What was registered from the last good answer to now may be missing: every unit is incomplete. */
  #beginGap(): void {
    this.#gap += 1;
    this.#gapAt = this.#context.ports.clock.now();
    this.#state.live(false);
    this.#incomplete.clear();
    this.#skipped.clear();
    this.#readers.clear('gap');
    this.#read(this.#state.units);
  }

  #read(ids: readonly number[]): void {
    const gap = this.#gap;
    for (const id of ids) {
      this.#incomplete.add(id);
      this.#readers.add('gap', {
        what: unitName(id),
        run: async (session) => {
          // A newer gap has its own jobs.
          if (gap !== this.#gap || !this.#incomplete.has(id)) return;
          const isRead = await readUnit(this.#context, session, id);
          if (gap !== this.#gap) return;
          if (!isRead) await this.#skip(id);
          this.#incomplete.delete(id);
          if (this.#incomplete.size === 0) await this.#caughtUp();
        },
      });
    }
  }

  async #caughtUp(): Promise<void> {
    const { ports, fields, commits } = this.#context;
    await commits.drained();
    const duration_ms = ports.clock.now() - this.#gapAt;
    ports.logger.info(
      { ...fields, units: this.#state.units.length, duration_ms },
      'account.caught_up',
    );
  }

  /**
   * Leaves out a unit that cannot be read. Its cursor goes: progress moves on without the unit, so once
   * it can be read again, it must be read from the start.
   */
  async #skip(id: number): Promise<void> {
    const { account, ports, fields, commits } = this.#context;
    const unit = unitName(id);
    this.#skipped.add(id);
    ports.logger.warn({ ...fields, unit }, 'unit.unreadable');
    if (cursorOf(this.#context, unit) !== undefined) {
      await commits.add({ records: [forgottenCursor(account, unit)], bytes: 0 });
    }
  }

  /** Looks for units again; those that are new, and those that could not be read before, are read. */
  async #rediscover(session: Session): Promise<void> {
    const known = new Set(this.#state.units);
    const retried = new Set(this.#skipped);
    this.#skipped.clear();
    await this.#discover(session);
    const { units } = this.#state;
    const gained = units.filter((id) => !known.has(id));
    if (gained.length > 0) await subscribeMore(this.#context, session, gained);
    const present = new Set(units);
    for (const id of this.#incomplete) if (!present.has(id)) this.#incomplete.delete(id);
    this.#read(units.filter((id) => !known.has(id) || retried.has(id)));
    if (this.#incomplete.size > 0) this.#state.live(false);
  }

  async #discover(session: Session): Promise<void> {
    const { ports, fields, memory } = this.#context;
    this.#state.units = await discoverUnits(this.#context, session);
    await closeVanished(this.#context, session, this.#state.units);
    await discoverResources(this.#context, session);
    this.#discoveredAt = ports.clock.now();
    const hour = hourOf(memory.providerNowS);
    ports.logger.debug({ ...fields, units: this.#state.units.length, hour }, 'units.discovered');
  }
}
