import type { UnitCount } from '../entries.ts';
import { driverCode } from '../equipment/drivers.ts';
import { tankOf } from '../equipment/sensors.ts';
import { parametersJson } from '../equipment/telemetry.ts';
import type { MessageStore, StoreAccount, StoredMessage } from '../message-store.ts';
import { fullMessageJson, FULL_FLAGS } from '../message.ts';
import { Columns } from './columns.ts';
import { spotAt } from './route.ts';

/** A made-up fleet of any size; see the README. */
export interface FleetSettings {
  readonly units: number;
  /** Seconds between two messages of a unit, whole. */
  readonly every_s: number;
  /** How long before the start of the clock messages begin. Default 0. */
  readonly history_s?: number;
  /** Seconds after the start of the clock when units fall silent; late messages still come. Default never. */
  readonly stop_s?: number;
  /** Share of messages registered 1 min to `late_max_s` late. Default 0. */
  readonly late_share?: number;
  /** Default 9 days. */
  readonly late_max_s?: number;
  /** Share of the late messages that no poll shows: only an interval finds them. Default 0. */
  readonly silent_share?: number;
  /** Share of messages registered once more, up to 10 min later. Default 0. */
  readonly repeat_share?: number;
}

export interface FleetOptions {
  readonly account: StoreAccount & { readonly first_unit_id: number };
  readonly base: number;
  readonly fleet: FleetSettings;
  readonly seed: number;
}

const MIN_LATE_S = 60;
const MAX_LATE_S = 9 * 86_400;
const MAX_REPEAT_S = 600;
/** Messages on time are registered 0 to 2 s after they were made. */
const ON_TIME_S = 3;
/** A litre takes a made-up vehicle 8 km. */
const METRES_PER_LITRE = 8000;

/** Uniform in [0, 1), the same for the same three numbers on every machine. */
function uniform(seed: number, a: number, b: number): number {
  let mixed = (seed ^ Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca6b)) >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
}

interface Coming {
  readonly unit: number;
  readonly t: number;
  readonly silent: boolean;
  readonly repeat: boolean;
}

/**
 * A made-up fleet. Messages are made as the clock comes to them: for every second those of the units that
 * are due, put where their registration time says. State: `#madeTo`, up to which every second is registered;
 * `#coming`, messages made and not yet registered, by second of registration. Contents are computed from unit
 * and time whenever they are served.
 */
export class FleetStore implements MessageStore {
  readonly account: StoreAccount;
  readonly base: number;
  readonly units: ReadonlyMap<string, number>;
  readonly #options: FleetOptions;
  readonly #columns = new Columns();
  readonly #byUnit: number[][];
  readonly #repeats: Uint32Array;
  readonly #coming = new Map<number, Coming[]>();
  #madeTo: number;

  constructor(options: FleetOptions) {
    const { account, base, fleet } = options;
    this.account = account;
    this.base = base;
    this.#options = options;
    const indexes = Array.from({ length: fleet.units }, (_, index) => index);
    this.units = new Map(indexes.map((i) => [`V-${i + 1}`, account.first_unit_id + i]));
    this.#byUnit = indexes.map(() => []);
    this.#repeats = new Uint32Array(fleet.units);
    this.#madeTo = -(fleet.history_s ?? 0) - 1;
  }

  registered(now: number): number {
    this.#make(now - this.base);
    return this.#columns.size;
  }

  message(g: number): StoredMessage {
    if (g < 0 || g >= this.#columns.size) {
      throw new RangeError(`no message ${g} in ${this.account.account}`);
    }
    const unit = this.#columns.unit(g);
    const t = this.base + this.#columns.time(g);
    const rt = this.base + this.#columns.registered(g);
    const { lat, lon, speed, course, odometerM } = spotAt(unit, t);
    const unitId = this.#options.account.first_unit_id + unit;
    const rangeM = tankOf(unitId) * METRES_PER_LITRE;
    const p = parametersJson({ speed, odometerM, rangeM, driverCode: driverCode(unit + 1) });
    const position = `{"y":${lat},"x":${lon},"z":0,"s":${speed},"c":${course},"sc":12}`;
    const json = fullMessageJson({ t, rt, position, ignition: speed > 0, parameters: p });
    const silent = this.#columns.isSilent(g);
    return { unitId, t, rt, json, position, flags: FULL_FLAGS, silent };
  }

  interval(unitId: number, from: number, to: number, now: number): number[] {
    this.#make(now - this.base);
    const list = this.#byUnit[unitId - this.#options.account.first_unit_id] ?? [];
    const start = this.#above(list, Math.ceil(from) - 1 - this.base);
    return list.slice(start, this.#above(list, to - this.base));
  }

  last(unitId: number, now: number): StoredMessage | undefined {
    this.#make(now - this.base);
    const g = this.#byUnit[unitId - this.#options.account.first_unit_id]?.at(-1);
    return g === undefined ? undefined : this.message(g);
  }

  counts(now: number): UnitCount[] {
    this.#make(now - this.base);
    return [...this.units.values()].map((unit_id, unit) => {
      const registered = this.#byUnit[unit]?.length ?? 0;
      const distinct = registered - (this.#repeats[unit] ?? 0);
      return { unit_id, registered, distinct, malformed: 0, future: 0, no_position: 0 };
    });
  }

  /** First place in a unit's list whose message is later than `bound`, in seconds since base. */
  #above(list: readonly number[], bound: number): number {
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#columns.time(list[middle] ?? 0) <= bound) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #make(to: number): void {
    while (this.#madeTo < to) {
      const second = ++this.#madeTo;
      if (second < (this.#options.fleet.stop_s ?? Infinity)) this.#measure(second);
      const arrived = this.#coming.get(second);
      if (arrived === undefined) continue;
      this.#coming.delete(second);
      for (const one of arrived) this.#register(one, second);
    }
  }

  /** What the units that are due at a second measure, each with its own moment of registration. */
  #measure(second: number): void {
    const { fleet, seed } = this.#options;
    const { units, every_s: every, late_share: late = 0, repeat_share: repeat = 0 } = fleet;
    const first = ((second % every) + every) % every;
    for (let unit = first; unit < units; unit += every) {
      this.#send(unit, second, late, repeat, seed);
    }
  }

  #send(unit: number, t: number, late: number, repeat: number, seed: number): void {
    const { silent_share: silentShare = 0, late_max_s: max = MAX_LATE_S } = this.#options.fleet;
    const draw = uniform(seed, unit, t);
    const isLate = draw < late;
    const within = isLate ? draw / late : (draw - late) / (1 - late);
    const delay = isLate
      ? Math.round(MIN_LATE_S * (max / MIN_LATE_S) ** within)
      : Math.floor(within * ON_TIME_S);
    const silent = isLate && uniform(seed ^ 0x5bd1e995, unit, t) < silentShare;
    this.#expect(t + delay, { unit, t, silent, repeat: false });
    const again = uniform(seed ^ 0x2545f491, unit, t);
    if (again >= repeat) return;
    const later = 1 + Math.floor((again / repeat) * MAX_REPEAT_S);
    this.#expect(t + delay + later, { unit, t, silent: false, repeat: true });
  }

  #expect(rt: number, coming: Coming): void {
    const list = this.#coming.get(rt);
    if (list === undefined) this.#coming.set(rt, [coming]);
    else list.push(coming);
  }

  #register({ unit, t, silent, repeat }: Coming, rt: number): void {
    const g = this.#columns.push(unit, t, rt, silent);
    if (repeat) this.#repeats[unit] = (this.#repeats[unit] ?? 0) + 1;
    const list = this.#byUnit[unit];
    if (list === undefined) return;
    const newest = list.at(-1);
    if (newest === undefined || this.#columns.time(newest) <= t) list.push(g);
    else list.splice(this.#above(list, t), 0, g);
  }
}
