import { asFields, ControlError, optionalNumber, required, type Fields } from './fields.ts';
import { orderFault, type FaultPorts } from './order-fault.ts';

/** An order that is carried out when the data clock comes to it; the rest as in POST /twin/fault. */
export interface TimedFault extends Fields {
  readonly at_s: number;
}

/** Reads a fault script: a JSON list of orders with `at_s`. Throws ControlError. */
export function readTimedFaults(value: unknown): TimedFault[] {
  if (!Array.isArray(value)) throw new ControlError('a fault script is a list of orders');
  return value.map((order) => {
    const fields = asFields(order);
    return { ...fields, at_s: required(optionalNumber(fields, 'at_s'), 'at_s') };
  });
}

/**
 * A fault script on the data clock. Orders are carried out at the first request at or after their second, in
 * the order of their times; one that cannot be carried out is kept in `failed`.
 */
export class TimedFaults {
  readonly #orders: readonly TimedFault[];
  readonly failed: string[] = [];
  #next = 0;

  constructor(orders: readonly TimedFault[]) {
    this.#orders = orders.toSorted((a, b) => a.at_s - b.at_s);
  }

  /** Carries out what is due. */
  run(ports: FaultPorts): void {
    const elapsedS = ports.clock.wholeSecond();
    for (;;) {
      const order = this.#orders[this.#next];
      if (order === undefined || order.at_s > elapsedS) return;
      this.#next++;
      const { at_s, ...fields } = order;
      try {
        orderFault(ports, fields);
      } catch (error) {
        if (!(error instanceof ControlError)) throw error;
        this.failed.push(`at ${at_s} s: ${error.message}`);
      }
    }
  }
}
