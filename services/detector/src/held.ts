import type { ByteLog } from '@waybill/stream';
import type { Rules } from './core/rules.ts';
import { encodeLive, type NamedChunk, type SavedUnit } from './core/unit-codec.ts';
import type { Unit } from './core/unit.ts';

/** How a unit that is held packed is read again. */
export type ReadUnit = (live: Uint8Array) => Unit;

/**
 * The units of one task that are held unpacked. *unpacked*: as objects, from the first use on. *packed*: as bytes,
 * in the store, in the buffers and what only memory knew. A unit that was not used for the longest time is
 * packed when there are more than `limit`, those of a call as soon as it has settled them; one for which
 * something waits stays.
 */
export class HotUnits {
  readonly #limit: number;
  /** Last used ones last. */
  readonly #unpacked = new Set<Held>();
  #unpackings = 0;
  /** What only memory knew of the packed ones. */
  readonly lives: ByteLog;

  constructor(limit: number, lives: ByteLog) {
    this.#limit = limit;
    this.lives = lives;
  }

  /** Units that are unpacked. */
  get size(): number {
    return this.#unpacked.size;
  }

  /** The unit is used. */
  use(held: Held): void {
    this.#unpacked.delete(held);
    this.#unpacked.add(held);
  }

  /** A packed unit is used. */
  unpack(held: Held): void {
    this.#unpackings += 1;
    this.use(held);
  }

  /** Packed units that were used since the last call. */
  takeUnpackings(): number {
    const taken = this.#unpackings;
    this.#unpackings = 0;
    return taken;
  }

  /**
   * Packs what was not used for the longest time, but for what is `needed`; only while records are handled.
   */
  rest(needed?: Pick<ReadonlySet<Held>, 'has'>): void {
    for (const held of this.#unpacked) {
      if (this.#unpacked.size <= this.#limit) return;
      if (needed?.has(held) !== true) this.#pack(held);
    }
  }

  /** A unit will not be used again in this call: when there are too many it is packed at once. */
  done(held: Held): void {
    if (this.#unpacked.size > this.#limit) this.#pack(held);
  }

  #pack(held: Held): void {
    if (held.rest()) this.#unpacked.delete(held);
  }

  /** Forgets all; none of them was packed. */
  clear(): void {
    this.#unpacked.clear();
  }
}

/** A unit in memory, unpacked or packed, and when T makes it due although no fix arrives. */
export class Held {
  due: number;
  /** What it is folded with; undefined when the tenant's rules or the unit's tables changed since. */
  rules: Rules | undefined = undefined;
  /** What the newest fix said of the engine, and since when it says so, ms; only to name what flickers. */
  engineOn: boolean | undefined = undefined;
  engineSince = -Infinity;
  /** Newest minute that was not said yet; see `Tiers`. */
  waitingMinute: number | undefined = undefined;
  /** Chunks that the head named when it was read, until they were looked for. */
  named: readonly NamedChunk[];
  readonly #hot: HotUnits;
  readonly #read: ReadUnit;
  #unit: Unit | undefined;
  /** Its place among the lives of the packed ones. */
  #live = 0;
  #fixes = 0;

  constructor({ unit, named }: SavedUnit, due: number, hot: HotUnits, read: ReadUnit) {
    this.#unit = unit;
    this.named = named;
    this.due = due;
    this.#hot = hot;
    this.#read = read;
    hot.use(this);
  }

  /** The unit; unpacked when it was not. Throws a Fault `STATE_DAMAGED` when it cannot be read. */
  get unit(): Unit {
    if (this.#unit === undefined) {
      const { lives } = this.#hot;
      this.#unit = this.#read(lives.get(this.#live));
      lives.free(this.#live);
      this.#hot.unpack(this);
    }
    return this.#unit;
  }

  /** Retained fixes. */
  get fixes(): number {
    return this.#unit === undefined ? this.#fixes : this.#unit.timeline.count;
  }

  /** Packs the unit; false when something waits for it. */
  rest(): boolean {
    const unit = this.#unit;
    const live = unit && encodeLive(unit);
    if (unit === undefined || live === undefined) return false;
    this.#fixes = unit.timeline.count;
    unit.timeline.rest();
    this.#live = this.#hot.lives.put(live);
    this.#unit = undefined;
    return true;
  }
}
