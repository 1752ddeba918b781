import type { UnitCount } from './entries.ts';
import type { MessageStore, StoreAccount, StoredMessage } from './message-store.ts';
import { isWellFormed, placeOf } from './well-formed.ts';

/** A message put in by hand while the twin runs. */
export interface Injection {
  readonly unitId: number;
  /** Where it stands in intervals, epoch seconds. */
  readonly t: number;
  /** The JSON value served. */
  readonly body: unknown;
  /** Only intervals find it. */
  readonly silent: boolean;
}

/** Malformed messages pass the filters that ordinary ones pass. */
const MALFORMED_FLAGS = 1;

interface Injected extends Injection {
  /** Its number among all messages. */
  readonly g: number;
  readonly rt: number;
}

/**
 * A store with messages that are injected at run time. They are registered at the moment they come, behind
 * everything that is registered by then, so numbers given out before stay as they are: number g is an
 * injected message, or the one of the inner store with as many numbers less as injected ones stand before it.
 */
export class InjectedStore implements MessageStore {
  readonly account: StoreAccount;
  readonly base: number;
  readonly units: ReadonlyMap<string, number>;
  readonly #inner: MessageStore;
  readonly #injected: Injected[] = [];

  constructor(inner: MessageStore) {
    this.#inner = inner;
    this.account = inner.account;
    this.base = inner.base;
    this.units = inner.units;
  }

  /** Registers messages at `now`. */
  inject(injections: readonly Injection[], now: number): void {
    for (const injection of injections) {
      this.#injected.push({ ...injection, g: this.registered(now), rt: now });
    }
  }

  registered(now: number): number {
    return this.#inner.registered(now) + this.#injected.length;
  }

  message(g: number): StoredMessage {
    const before = this.#before(g);
    const injected = this.#injected[before];
    return injected?.g === g ? stored(injected) : this.#inner.message(g - before);
  }

  interval(unitId: number, from: number, to: number, now: number): number[] {
    const inner = this.#inner.interval(unitId, from, to, now);
    if (this.#injected.length === 0) return inner;
    const own = this.#injected.filter(
      (one) => one.unitId === unitId && one.t >= from && one.t <= to,
    );
    const moved = inner.map((n) => this.#outer(n));
    if (own.length === 0) return moved;
    const timed = [...moved, ...own.map(({ g }) => g)].map((g) => ({ g, t: this.message(g).t }));
    return timed.sort((a, b) => a.t - b.t || a.g - b.g).map(({ g }) => g);
  }

  last(unitId: number, now: number): StoredMessage | undefined {
    const own = this.#injected
      .filter((one) => one.unitId === unitId && isWellFormed(one.body))
      .map(stored);
    const inner = this.#inner.last(unitId, now);
    return [...(inner === undefined ? [] : [inner]), ...own].sort((a, b) => b.t - a.t)[0];
  }

  counts(now: number): UnitCount[] {
    const counts = this.#inner.counts(now);
    if (this.#injected.length === 0) return counts;
    return counts.map((count) => this.#withInjected(count, now));
  }

  /** Numbers below g that are injected. */
  #before(g: number): number {
    let low = 0;
    let high = this.#injected.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#injected[middle]?.g ?? Infinity) < g) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The number among all messages of the inner store's number n. */
  #outer(n: number): number {
    let low = 0;
    let high = this.#injected.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      // The injected message of that place has g - place inner messages before it.
      if ((this.#injected[middle]?.g ?? Infinity) - middle <= n) low = middle + 1;
      else high = middle;
    }
    return n + low;
  }

  #withInjected(count: UnitCount, now: number): UnitCount {
    const own = this.#injected.filter(({ unitId }) => unitId === count.unit_id);
    if (own.length === 0) return count;
    let { malformed, future, no_position } = count;
    const fresh = new Set<string>();
    for (const { body, t, rt } of own) {
      const place = isWellFormed(body) ? placeOf(body) : undefined;
      if (!isWellFormed(body)) malformed++;
      else if (place === undefined) no_position++;
      else if (!this.#has(count.unit_id, t, place, now)) fresh.add(place);
      if (isWellFormed(body) && t > rt) future++;
    }
    return {
      unit_id: count.unit_id,
      registered: count.registered + own.length,
      distinct: count.distinct + fresh.size,
      malformed,
      future,
      no_position,
    };
  }

  /** Whether the inner store has a message of that second and place. */
  #has(unitId: number, t: number, place: string, now: number): boolean {
    return this.#inner.interval(unitId, t, t, now).some((n) => {
      const { json, position } = this.#inner.message(n);
      return position !== undefined && placeOf(JSON.parse(json)) === place;
    });
  }
}

function stored({ unitId, t, rt, body, silent }: Injected): StoredMessage {
  const position = isWellFormed(body) && placeOf(body) !== undefined ? body.pos : undefined;
  return {
    unitId,
    t,
    rt,
    json: JSON.stringify(body),
    position: position === undefined ? undefined : JSON.stringify(position),
    flags: isWellFormed(body) && typeof body.f === 'number' ? body.f : MALFORMED_FLAGS,
    silent,
  };
}
