import { ControlError, optionalCount, required, type Fields } from './fields.ts';
import { readOrder, type FaultPorts, type Order } from './order-fault.ts';

/** An order that is carried out when the data clock comes to it; the rest as in POST /twin/fault. */
export interface TimedFault extends Fields {
  readonly at_s: number;
  /** Where it stands, for messages: `faults.json, line 3`. Default: its number in the list. */
  readonly where?: string;
}

interface Timed {
  readonly atS: number;
  readonly where: string;
  readonly order: Order;
}

function readTimed(ports: FaultPorts, fault: TimedFault, index: number): Timed {
  const { at_s: _at, where = `order ${index + 1}`, ...fields } = fault;
  try {
    const atS = required(optionalCount(fault, 'at_s'), 'at_s (seconds after the start)');
    return { atS, where, order: readOrder(ports, fields) };
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    throw new ControlError(`${where}: ${error.message}`);
  }
}

/**
 * A fault script on the data clock. Orders are carried out at the first request at or after their second, in
 * the order of their times; one that the moment does not allow is kept in `failed`.
 */
export class TimedFaults {
  readonly #orders: readonly Timed[];
  readonly #ports: FaultPorts;
  readonly failed: string[] = [];
  #next = 0;

  /** Throws ControlError for an order that could never be carried out. */
  constructor(ports: FaultPorts, faults: readonly TimedFault[]) {
    this.#ports = ports;
    this.#orders = faults
      .map((fault, index) => readTimed(ports, fault, index))
      .toSorted((a, b) => a.atS - b.atS);
  }

  /** Carries out what is due. */
  run(): void {
    const elapsedS = this.#ports.clock.wholeSecond();
    for (;;) {
      const timed = this.#orders[this.#next];
      if (timed === undefined || timed.atS > elapsedS) return;
      this.#next++;
      try {
        timed.order();
      } catch (error) {
        if (!(error instanceof ControlError)) throw error;
        this.failed.push(`${timed.where}, at ${timed.atS} s: ${error.message}`);
      }
    }
  }
}
