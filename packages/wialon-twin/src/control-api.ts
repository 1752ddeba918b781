import type { CallAudit } from './call-audit.ts';
import type { DataClock } from './clock.ts';
import type { CallFault, FaultScript } from './fault-script.ts';
import type { TwinAccount } from './items.ts';
import type { Sessions } from './session.ts';

/** What the control API reports about and acts on. */
export interface ControlPorts {
  readonly clock: DataClock;
  readonly accounts: readonly TwinAccount[];
  readonly sessions: Sessions;
  readonly faults: FaultScript;
  readonly audit: CallAudit;
}

/** A control request that cannot be carried out; the message says what is wrong. */
export class ControlError extends Error {}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(body: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(body === '' ? '{}' : body);
  } catch {
    throw new ControlError('the body must be JSON');
  }
  if (typeof value !== 'object' || value === null) throw new ControlError('expected an object');
  return value as Fields;
}

function optionalNumber(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'number') throw new ControlError(`${name} must be a number`);
  return value;
}

function optionalText(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new ControlError(`${name} must be a text`);
  return value;
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

/** POST /twin/clock {hold_at_s?: number | null, speed?: number}. */
export function setClock(ports: ControlPorts, body: string): unknown {
  const fields = fieldsOf(body);
  refuseUnknown(fields, ['hold_at_s', 'speed']);
  const speed = optionalNumber(fields, 'speed');
  try {
    if (speed !== undefined) ports.clock.setSpeed(speed);
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

/** GET /twin/store: what is registered up to now. */
export function storeReport({ clock, accounts }: ControlPorts): unknown {
  const elapsed = clock.wholeSecond();
  return {
    accounts: accounts.map(({ store }) => ({
      account: store.account.account,
      units: store.counts(store.base + elapsed),
    })),
  };
}

/** GET /twin/calls. */
export function callsReport({ audit, sessions }: ControlPorts): unknown {
  return audit.report((account) => sessions.live(account).length);
}

function callFault(kind: string, fields: Fields): CallFault {
  if (kind === 'cut') return { kind };
  if (kind === 'http') return { kind, status: optionalNumber(fields, 'status') ?? 502 };
  const code = optionalNumber(fields, 'code');
  if (code === undefined) throw new ControlError('code is missing');
  return { kind: 'error', code, reason: optionalText(fields, 'reason') };
}

/**
 * POST /twin/fault. `expire_sessions` {account?} ends live sessions now; `error` {svc, code, reason?},
 * `http` {svc, status?} and `cut` {svc} meet the next `times` (default 1) calls of a service.
 */
export function orderFault({ accounts, sessions, faults }: ControlPorts, body: string): unknown {
  const fields = fieldsOf(body);
  const kind = optionalText(fields, 'kind');
  const account = optionalText(fields, 'account');
  if (account !== undefined && !accounts.some((a) => a.store.account.account === account)) {
    throw new ControlError(`unknown account ${account}`);
  }
  if (kind === 'expire_sessions') {
    const live = sessions.live(account);
    for (const session of live) sessions.end(session, 'fault');
    return { expired: live.length };
  }
  if (kind !== 'error' && kind !== 'http' && kind !== 'cut') {
    throw new ControlError('kind must be expire_sessions, error, http or cut');
  }
  const svc = optionalText(fields, 'svc');
  if (svc === undefined) throw new ControlError('svc is missing');
  const times = optionalNumber(fields, 'times') ?? 1;
  faults.order({ svc, account, times, fault: callFault(kind, fields) });
  return { ordered: times };
}
