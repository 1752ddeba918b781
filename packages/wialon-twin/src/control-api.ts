import type { AuditReport, CallAudit } from './call-audit.ts';
import type { DataClock } from './clock.ts';
import type { UnitCount } from './entries.ts';
import type { FaultScript } from './fault-script.ts';
import { asFields, ControlError, optionalNumber, type Fields } from './faults/fields.ts';
import { orderFault, readOrder } from './faults/order-fault.ts';
import type { TimedFaults } from './faults/timed-faults.ts';
import type { TwinAccount } from './items.ts';
import type { Sessions } from './session.ts';
import { tokenOf } from './token.ts';

/** What the control API reports about and acts on. */
export interface ControlPorts {
  readonly clock: DataClock;
  readonly accounts: readonly TwinAccount[];
  readonly sessions: Sessions;
  readonly faults: FaultScript;
  readonly audit: CallAudit;
  readonly timed: TimedFaults;
  /** Moves a virtual clock; undefined on a real one. */
  readonly advance: ((seconds: number) => void) | undefined;
}

function fieldsOf(body: string): Fields {
  try {
    return asFields(JSON.parse(body === '' ? '{}' : body));
  } catch (error) {
    if (error instanceof ControlError) throw error;
    throw new ControlError('the body must be JSON');
  }
}

function refuseUnknown(fields: Fields, known: readonly string[]): void {
  const unknown = Object.keys(fields).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new ControlError(`unknown field ${unknown.join(', ')}; known are ${known.join(', ')}`);
  }
}

/** GET /twin/clock. */
export function clockReport({ clock, accounts }: ControlPorts): unknown {
  const state = clock.state();
  return {
    ...state,
    accounts: accounts.map(({ store }) => ({
      account: store.account.account,
      now_s: store.base + Math.floor(state.elapsed_s),
    })),
  };
}

/**
 * POST /twin/clock {hold_at_s?: number | null, speed?: number, advance_s?: number}; advance_s moves a virtual
 * clock.
 */
export function setClock(ports: ControlPorts, body: string): unknown {
  const fields = fieldsOf(body);
  refuseUnknown(fields, ['hold_at_s', 'speed', 'advance_s']);
  const speed = optionalNumber(fields, 'speed');
  try {
    if (speed !== undefined) ports.clock.setSpeed(speed);
    const advance = optionalNumber(fields, 'advance_s');
    if (advance !== undefined) {
      if (ports.advance === undefined) throw new ControlError('the clock is not virtual');
      ports.advance(advance);
    }
    if (fields['hold_at_s'] === null) ports.clock.hold(null);
    else {
      const hold = optionalNumber(fields, 'hold_at_s');
      if (hold !== undefined) ports.clock.hold(hold);
    }
  } catch (error) {
    if (error instanceof RangeError) throw new ControlError(error.message);
    throw error;
  }
  return clockReport(ports);
}

/** Counts of what every account and unit has. */
export interface StoreReport {
  readonly accounts: readonly { readonly account: string; readonly units: readonly UnitCount[] }[];
}

/** GET /twin/store: what is registered up to now. */
export function storeReport({ clock, accounts }: ControlPorts): StoreReport {
  const elapsed = clock.wholeSecond();
  return {
    accounts: accounts.map(({ store }) => ({
      account: store.account.account,
      units: store.counts(store.base + elapsed),
    })),
  };
}

/** What was asked of the twin, and what went wrong on order. */
export interface CallsReport extends AuditReport {
  /** How often each kind of fault took effect. */
  readonly faults: Readonly<Record<string, number>>;
  /** Orders that no call has met yet. */
  readonly faults_pending: number;
  /** Orders of the fault script that could not be carried out. */
  readonly script_failed: readonly string[];
}

/** GET /twin/calls. */
export function callsReport({ audit, sessions, faults, timed }: ControlPorts): CallsReport {
  return {
    ...audit.report((account) => sessions.live(account).length),
    faults: faults.met(),
    faults_pending: faults.pending(),
    script_failed: timed.failed,
  };
}

/** GET /twin/tokens: what logs in; public test tokens. */
export function tokensReport({ accounts }: ControlPorts): unknown {
  return {
    accounts: accounts.map(({ store }) => {
      const { account } = store.account;
      return { account, tokens: [tokenOf(account, 1), tokenOf(account, 2)] };
    }),
  };
}

/** POST /twin/fault: one order, or a list of them. */
export function postFault(ports: ControlPorts, body: string): unknown {
  const trimmed = body.trimStart();
  if (!trimmed.startsWith('[')) return orderFault(ports, fieldsOf(body));
  const { orders } = fieldsOf(`{"orders":${body}}`);
  // None is carried out when one of them is wrong.
  const read = (orders as readonly unknown[]).map((order) => readOrder(ports, asFields(order)));
  return read.map((order) => order());
}
