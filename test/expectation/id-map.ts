import { secondOf } from './calendar.ts';
import type { CsvRow } from './files.ts';

interface Interval {
  readonly erpId: string;
  /** Epoch seconds; the interval holds its start and not its end. */
  readonly from: number;
  readonly to: number;
}

/** ERP ids by entity and telematics id, with all their validity intervals. */
export class IdMap {
  readonly #intervals = new Map<string, Interval[]>();

  constructor(rows: readonly CsvRow[]) {
    for (const row of rows) {
      const { entity = '', telematics_id = '', erp_id = '', valid_from, valid_to } = row;
      const from = valid_from ? secondOf(valid_from) : -Infinity;
      this.#add(entity, telematics_id, erp_id, from, valid_to ? secondOf(valid_to) : Infinity);
    }
  }

  /** What an operator adds later, valid always. */
  addForever(entity: string, telematicsId: string, erpId: string): void {
    this.#add(entity, telematicsId, erpId, -Infinity, Infinity);
  }

  #add(entity: string, telematicsId: string, erpId: string, from: number, to: number): void {
    const key = `${entity} ${telematicsId}`;
    this.#intervals.set(key, [...(this.#intervals.get(key) ?? []), { erpId, from, to }]);
  }

  /** The ERP id as of an epoch second; undefined = nobody has mapped it. */
  resolve(entity: string, telematicsId: string, second: number): string | undefined {
    return this.#intervals
      .get(`${entity} ${telematicsId}`)
      ?.find(({ from, to }) => from <= second && second < to)?.erpId;
  }
}
