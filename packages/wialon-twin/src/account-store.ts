import { countEntries, entriesOf, type Entry, type UnitCount } from './entries.ts';
import { FULL_FLAGS, fullMessageJson, messageJson } from './message.ts';
import { registrationsOf, unitIdsOf, type Recording } from './recording.ts';
import { windowOf, type Scenario, type ScenarioAccount } from './scenario.ts';
import type { MessageStore, StoredMessage } from './message-store.ts';
import type { TroublePlan } from './trouble-plan.ts';

interface Placed {
  readonly entry: Entry;
  /** Number in the first loop. */
  readonly index: number;
}

type Counts = Omit<UnitCount, 'unit_id'>;

/** First index of `sorted` (ascending by `key`) whose key is above `bound`. */
function upperBound<T>(sorted: readonly T[], bound: number, key: (item: T) => number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = sorted[middle];
    if (item !== undefined && key(item) <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

function addCounts(a: Counts, b: Counts, times: number): Counts {
  return {
    registered: a.registered + times * b.registered,
    distinct: a.distinct + times * b.distinct,
    malformed: a.malformed + times * b.malformed,
    future: a.future + times * b.future,
    no_position: a.no_position + times * b.no_position,
  };
}

/** `f` of a message without equipment: data with position. */
const PLAIN_FLAGS = 1;

/**
 * All messages a recording gives an account, in order of registration. The numbers below `history` were
 * registered before the window; then comes the window, once per loop of the recording, shifted by its
 * length: times of messages are shifted with it.
 */
export class AccountStore implements MessageStore {
  readonly account: ScenarioAccount;
  readonly base: number;
  readonly units: ReadonlyMap<string, number>;
  readonly #duration: number;
  readonly #entries: readonly Entry[];
  readonly #history: number;
  readonly #perLoop: number;
  /** Each unit's messages by time. */
  readonly #byUnit = new Map<number, Placed[]>();

  constructor(
    scenario: Scenario,
    account: ScenarioAccount,
    recording: Recording,
    plan: TroublePlan,
  ) {
    const { base, cut } = windowOf(scenario, account);
    const operations = plan.operations.filter((operation) => operation.account === account.account);
    this.account = account;
    this.base = base;
    this.units = unitIdsOf(account, recording);
    this.#duration = scenario.duration_s;
    const registrations = registrationsOf(scenario, account, recording);
    this.#entries = entriesOf(registrations, operations, account.equipment === 'full')
      .filter(({ rt }) => rt <= cut)
      .sort((a, b) => a.rt - b.rt || a.t - b.t);
    this.#history = upperBound(this.#entries, base, ({ rt }) => rt);
    this.#perLoop = this.#entries.length - this.#history;
    for (const unitId of this.units.values()) this.#byUnit.set(unitId, []);
    for (const [index, entry] of this.#entries.entries()) {
      this.#byUnit.get(entry.unitId)?.push({ entry, index });
    }
    for (const list of this.#byUnit.values()) {
      list.sort((a, b) => a.entry.t - b.entry.t || a.index - b.index);
    }
  }

  registered(now: number): number {
    const loop = this.#loopAt(now);
    const inLoop = upperBound(this.#entries, now - loop * this.#duration, ({ rt }) => rt);
    return inLoop + loop * this.#perLoop;
  }

  message(g: number): StoredMessage {
    const loop =
      g < this.#entries.length ? 0 : Math.floor((g - this.#history) / Math.max(1, this.#perLoop));
    const entry = this.#entries[g - loop * this.#perLoop];
    if (entry === undefined) throw new RangeError(`no message ${g} in ${this.account.account}`);
    const t = entry.t + loop * this.#duration;
    const rt = entry.rt + loop * this.#duration;
    const { unitId } = entry;
    const plain = { unitId, t, rt, flags: PLAIN_FLAGS, silent: false };
    if (entry.kind === 'malformed') return { ...plain, json: entry.body, position: undefined };
    const { position, telemetry } = entry;
    if (telemetry === undefined) return { ...plain, json: messageJson(t, position, rt), position };
    const json = fullMessageJson({ t, rt, position, ...telemetry });
    return { ...plain, flags: FULL_FLAGS, json, position };
  }

  interval(unitId: number, from: number, to: number, now: number): number[] {
    const limit = this.registered(now);
    const list = this.#byUnit.get(unitId) ?? [];
    const found: { readonly g: number; readonly t: number }[] = [];
    for (let loop = this.#loopAt(now); loop >= 0; loop--) {
      const shift = loop * this.#duration;
      const start = upperBound(list, Math.ceil(from) - 1 - shift, ({ entry }) => entry.t);
      const end = upperBound(list, to - shift, ({ entry }) => entry.t);
      for (const { entry, index } of list.slice(start, end)) {
        if (!this.#exists(index, loop, limit)) continue;
        found.push({ g: index + loop * this.#perLoop, t: entry.t + shift });
      }
    }
    return found.sort((a, b) => a.t - b.t || a.g - b.g).map(({ g }) => g);
  }

  last(unitId: number, now: number): StoredMessage | undefined {
    const limit = this.registered(now);
    const loop = this.#loopAt(now);
    const newestOf = (candidate: number): StoredMessage[] => {
      const placed = this.#byUnit
        .get(unitId)
        ?.findLast(
          ({ entry, index }) => entry.kind !== 'malformed' && this.#exists(index, candidate, limit),
        );
      return placed === undefined ? [] : [this.message(placed.index + candidate * this.#perLoop)];
    };
    // Early in a loop the newest message can still be one of the loop before.
    const newest = [...newestOf(loop), ...(loop > 0 ? newestOf(loop - 1) : [])];
    return newest.sort((a, b) => b.t - a.t)[0];
  }

  /**
   * What is registered by `now`, per unit in order of their ids. Contents are compared within a loop
   * only: a fix that comes back is shifted by the window and therefore another fix.
   */
  counts(now: number): UnitCount[] {
    const limit = this.registered(now);
    const loop = this.#loopAt(now);
    return [...this.#byUnit].map(([unit_id, list]) => {
      const count = (loopIndex: number): Counts =>
        countEntries(
          list
            .filter(({ index }) => this.#exists(index, loopIndex, limit))
            .map(({ entry }) => entry),
        );
      let total = count(0);
      if (loop > 1) total = addCounts(total, count(1), loop - 1);
      if (loop > 0) total = addCounts(total, count(loop), 1);
      return { unit_id, ...total };
    });
  }

  /** Loops that began before `now`; 0 while the recording runs for the first time. */
  #loopAt(now: number): number {
    return Math.max(0, Math.floor((now - this.base) / this.#duration));
  }

  #exists(index: number, loop: number, limit: number): boolean {
    return (loop === 0 || index >= this.#history) && index + loop * this.#perLoop < limit;
  }
}
