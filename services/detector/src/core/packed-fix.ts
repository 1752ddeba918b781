import type { RawAddress } from '@waybill/contracts';
import type { Fix } from './fix.ts';
import { DRIVER, unscaled } from './fix-signals.ts';
import { idHighOf, idLowOf } from './identity.ts';

/** What a row says; coordinates in 1e-7 degree, the rest as in `Rows`. */
interface ReadRow {
  readonly time: number;
  readonly isLocated: boolean;
  readonly latitude: number;
  readonly longitude: number;
  readonly lateness: number;
  readonly topic: number;
  readonly topics: readonly string[];
  readonly partition: number;
  readonly offset: number;
  readonly index: number;
  readonly signals: readonly number[];
  readonly drivers: readonly string[];
}

/**
 * A fix that was read from a row. Most rules ask for few of its fields, so these are made when they are
 * asked for: unpacking is half the cost of a late fix.
 */
export class PackedFix implements Fix {
  readonly time: number;
  readonly latitude: number | undefined;
  readonly longitude: number | undefined;
  readonly latenessMs: number;
  readonly #signals: readonly number[];
  readonly #drivers: readonly string[];
  readonly #topic: string;
  readonly #partition: number;
  readonly #offset: number;
  readonly #index: number;
  #idHigh: number | undefined;
  #idLow: number | undefined;

  constructor(row: ReadRow) {
    this.time = row.time;
    this.latitude = row.isLocated ? row.latitude / 1e7 : undefined;
    this.longitude = row.isLocated ? row.longitude / 1e7 : undefined;
    this.latenessMs = row.lateness;
    this.#signals = row.signals;
    this.#drivers = row.drivers;
    this.#topic = row.topics[row.topic] ?? '';
    this.#partition = row.partition;
    this.#offset = row.offset;
    this.#index = row.index;
  }

  get idHigh(): number {
    this.#idHigh ??= idHighOf(this.time, this.latitude, this.longitude);
    return this.#idHigh;
  }

  get idLow(): number {
    this.#idLow ??= idLowOf(this.time, this.latitude, this.longitude);
    return this.#idLow;
  }

  get speedKmh(): number | undefined {
    return unscaled(this.#signals[0] ?? 0, 1000);
  }

  get courseDeg(): number | undefined {
    return unscaled(this.#signals[1] ?? 0, 1);
  }

  get satellites(): number | undefined {
    return unscaled(this.#signals[2] ?? 0, 1);
  }

  get engineOn(): boolean | undefined {
    const engine = this.#signals[3] ?? 0;
    return engine === 0 ? undefined : engine === 2;
  }

  get fuelLevelL(): number | undefined {
    return unscaled(this.#signals[4] ?? 0, 100);
  }

  get fuelLevelPercent(): number | undefined {
    return unscaled(this.#signals[5] ?? 0, 100);
  }

  get odometerKm(): number | undefined {
    return unscaled(this.#signals[6] ?? 0, 100);
  }

  get engineHoursH(): number | undefined {
    return unscaled(this.#signals[7] ?? 0, 100);
  }

  get driver(): string | undefined {
    const driver = this.#signals[DRIVER] ?? 0;
    return driver === 0 ? undefined : this.#drivers[driver - 1];
  }

  get isPrivate(): boolean {
    return this.#signals[9] === 1;
  }

  get address(): RawAddress {
    const [topic, partition] = [this.#topic, this.#partition];
    return { topic, partition, offset: this.#offset, index: this.#index };
  }
}
