import { bindingsOf, driverCode, driversOf, type Binding, type Driver } from './drivers.ts';
import { sensorsOf, type Sensor } from './sensors.ts';

/** What the twin knows of its units beside their messages; faults change it while the twin runs. */
export class Equipment {
  readonly drivers: readonly Driver[];
  readonly #unitIds: readonly number[];
  readonly #isFull: boolean;
  /** Instant from which drivers are bound, epoch seconds. */
  readonly #since: number;
  readonly #sensorChanges = new Map<number, number>();
  readonly #counterStarts = new Map<number, number>();
  readonly #columnNames = new Map<string, string>();

  constructor(options: {
    readonly unitIds: readonly number[];
    readonly isFull: boolean;
    readonly since: number;
  }) {
    this.#unitIds = options.unitIds;
    this.#isFull = options.isFull;
    this.#since = options.since;
    this.drivers = options.isFull ? driversOf(options.unitIds) : [];
  }

  /** Whether units carry sensors, settings and message parameters. */
  get isFull(): boolean {
    return this.#isFull;
  }

  sensors(unitId: number): readonly Sensor[] {
    return this.#isFull ? sensorsOf(unitId, this.#sensorChanges.get(unitId) ?? 0) : [];
  }

  /** Replaces the fuel sensor of a unit; gives the sensors that came and went. */
  changeSensors(unitId: number): {
    readonly gone: readonly Sensor[];
    readonly come: readonly Sensor[];
  } {
    const before = this.sensors(unitId);
    this.#sensorChanges.set(unitId, (this.#sensorChanges.get(unitId) ?? 0) + 1);
    const after = this.sensors(unitId);
    const ids = (sensors: readonly Sensor[]): Set<number> => new Set(sensors.map(({ id }) => id));
    return {
      gone: before.filter(({ id }) => !ids(after).has(id)),
      come: after.filter(({ id }) => !ids(before).has(id)),
    };
  }

  /** Reading at which the unit's mileage counter was last set to zero, metres. */
  counterStart(unitId: number): number {
    return this.#counterStarts.get(unitId) ?? 0;
  }

  resetCounter(unitId: number, odometerM: number): void {
    this.#counterStarts.set(unitId, odometerM);
  }

  /** The name that a report column bears now. */
  columnName(report: string, column: string): string {
    return this.#columnNames.get(`${report}/${column}`) ?? column;
  }

  renameColumn(report: string, column: string, name: string): void {
    this.#columnNames.set(`${report}/${column}`, name);
  }

  /** The driver whose code a unit's messages carry. */
  driverCode(unitId: number): string {
    return driverCode(this.#unitIds.indexOf(unitId) + 1);
  }

  bindings(driver: Driver, now: number): Binding[] {
    return bindingsOf(driver, this.#unitIds, this.#since, now);
  }
}
