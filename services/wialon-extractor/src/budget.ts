import type { AccountLimits } from './core/account.ts';
import type { Clock } from './ports.ts';

/** What calls are made for, most urgent first. */
export type Lane = 'live' | 'gap' | 'dirty' | 'proof' | 'backfill';

/**
 * How much of each limit a lane may see used before it waits. So a back-fill stops at half of the limits
 * and live data never waits for it.
 */
const SHARE: Readonly<Record<Lane, number>> = {
  live: 1,
  gap: 0.9,
  dirty: 0.75,
  proof: 0.6,
  backfill: 0.5,
};

/** The lanes, most urgent first. */
export const LANES: readonly Lane[] = ['live', 'gap', 'dirty', 'proof', 'backfill'];

const SLOTS = 60;
/** Calls that may go out at once after a pause, in seconds of the rate. */
const BURST_S = 2;
/** How often a held lane looks again, ms. */
const LOOK_MS = 250;

/** Name of a limit, as in the metrics. */
export type LimitName =
  'calls_per_s' | 'messages_per_2_min' | 'messages_per_hour' | 'messages_per_day';

/** The account's budget over all its sessions. */
export interface Budget {
  /** Resolves when `calls` calls of a lane fit; they count as made. */
  readonly enter: (lane: Lane, calls: number, signal: AbortSignal) => Promise<void>;
  /** The provider loaded so many messages. */
  readonly loaded: (messages: number) => void;
  /** Use of each limit at the end of its window if it goes on like this; 1 = all of it. */
  readonly forecast: () => Readonly<Record<LimitName, number>>;
}

/** Use within a sliding window. */
class Window {
  readonly #limit: number;
  readonly #slotMs: number;
  readonly #slots = new Float64Array(SLOTS);
  #slot = 0;
  #used = 0;

  constructor(limit: number, windowMs: number) {
    this.#limit = limit;
    this.#slotMs = windowMs / SLOTS;
  }

  #turn(nowMs: number): void {
    const slot = Math.floor(nowMs / this.#slotMs);
    const steps = Math.min(SLOTS, Math.max(0, slot - this.#slot));
    for (let step = 0; step < steps; step += 1) {
      const at = (slot - step) % SLOTS;
      this.#used -= this.#slots[at] ?? 0;
      this.#slots[at] = 0;
    }
    this.#slot = Math.max(this.#slot, slot);
  }

  add(amount: number, nowMs: number): void {
    this.#turn(nowMs);
    const at = this.#slot % SLOTS;
    this.#slots[at] = (this.#slots[at] ?? 0) + amount;
    this.#used += amount;
  }

  share(nowMs: number): number {
    this.#turn(nowMs);
    return this.#used / this.#limit;
  }

  /** The use of the newest sixth of the window, carried on over all of it. */
  forecast(nowMs: number): number {
    this.#turn(nowMs);
    const newest = SLOTS / 6;
    let used = 0;
    for (let step = 0; step < newest; step += 1) {
      used += this.#slots[(this.#slot - step + SLOTS) % SLOTS] ?? 0;
    }
    return (used * 6) / this.#limit;
  }
}

const MINUTE_MS = 60_000;

/** A budget with nothing used. `waited` is told how long a lane was held, in ms. */
export function createBudget(
  limits: AccountLimits,
  clock: Clock,
  waited: (lane: Lane, ms: number) => void = () => undefined,
): Budget {
  const capacity = Math.max(2, limits.callsPerS * BURST_S);
  const messages = {
    messages_per_2_min: new Window(limits.messagesPer2Min, 2 * MINUTE_MS),
    messages_per_hour: new Window(limits.messagesPerHour, 60 * MINUTE_MS),
    messages_per_day: new Window(limits.messagesPerDay, 1440 * MINUTE_MS),
  };
  const calls = new Window(limits.callsPerS * 60, MINUTE_MS);
  let tokens = capacity;
  let filledAt = clock.now();

  function refill(): void {
    const now = clock.now();
    tokens = Math.min(capacity, tokens + ((now - filledAt) / 1000) * limits.callsPerS);
    filledAt = Math.max(filledAt, now);
  }

  /** ms to wait before looking again; 0 = the calls fit. A large batch may run into debt, once. */
  function heldFor(lane: Lane): number {
    refill();
    const share = SHARE[lane];
    // A less urgent lane leaves the last calls of the burst to the others.
    const least = Math.max(1, (1 - share) * capacity);
    if (tokens < least) return Math.max(1, Math.ceil(((least - tokens) / limits.callsPerS) * 1000));
    if (lane === 'live') return 0;
    const now = clock.now();
    const isOver = Object.values(messages).some((window) => window.share(now) >= share);
    return isOver ? LOOK_MS : 0;
  }

  return {
    enter: async (lane, count, signal) => {
      const started = clock.now();
      for (let ms = heldFor(lane); ms > 0; ms = heldFor(lane)) await clock.wait(ms, signal);
      tokens -= count;
      calls.add(count, clock.now());
      if (clock.now() > started) waited(lane, clock.now() - started);
    },
    loaded: (count) => {
      for (const window of Object.values(messages)) window.add(count, clock.now());
    },
    forecast: () => {
      const now = clock.now();
      return {
        calls_per_s: calls.forecast(now),
        messages_per_2_min: messages.messages_per_2_min.forecast(now),
        messages_per_hour: messages.messages_per_hour.forecast(now),
        messages_per_day: messages.messages_per_day.forecast(now),
      };
    },
  };
}
