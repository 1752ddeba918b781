import type { DataClock } from '../clock.ts';
import type { FaultScript } from '../fault-script.ts';
import type { TwinAccount } from '../items.ts';
import type { Sessions } from '../session.ts';
import { accountKinds, readAccountOrder, tokenNumber } from './account-orders.ts';
import { callKinds, readCallOrder } from './call-orders.ts';
import { checkFields, ControlError, optionalText, required, type Fields } from './fields.ts';

/** What faults act on. */
export interface FaultPorts {
  readonly accounts: readonly TwinAccount[];
  readonly sessions: Sessions;
  readonly faults: FaultScript;
  readonly clock: Pick<DataClock, 'wholeSecond'>;
}

/** All kinds that can be ordered. */
export const faultKinds: readonly string[] = [
  'expire_sessions',
  'revoke_token',
  ...callKinds,
  ...accountKinds,
];

/** Carries out an order that was read; throws ControlError when the moment does not allow it. */
export type Order = () => unknown;

/** Ends the live sessions of a token and refuses it from now on. */
function revoke({ sessions, faults }: FaultPorts, account: TwinAccount, token: 1 | 2): unknown {
  account.tokens.delete(token);
  const live = sessions.live(account.store.account.account).filter((one) => one.token === token);
  for (const session of live) sessions.end(session, 'token');
  faults.count('revoke_token');
  return { expired: live.length };
}

function expireSessions({ sessions, faults }: FaultPorts, account: string | undefined): unknown {
  const live = sessions.live(account);
  for (const session of live) sessions.end(session, 'fault');
  faults.count('expire_sessions');
  return { expired: live.length };
}

function accountOf({ accounts }: FaultPorts, fields: Fields): TwinAccount | undefined {
  const name = optionalText(fields, 'account');
  const account = accounts.find(({ store }) => store.account.account === name);
  if (name !== undefined && account === undefined) {
    const known = accounts.map(({ store }) => store.account.account).join(', ');
    throw new ControlError(`unknown account ${name}; there are ${known}`);
  }
  return account;
}

/**
 * Reads one order of the control API or of a fault script. Throws ControlError for what could never be carried
 * out; the order itself throws it for what cannot be now, such as a late message of a unit that sent none yet.
 */
export function readOrder(ports: FaultPorts, fields: Fields): Order {
  const kind = optionalText(fields, 'kind') ?? '';
  const account = accountOf(ports, fields);
  if (kind === 'expire_sessions') {
    checkFields(fields, ['account']);
    return () => expireSessions(ports, account?.store.account.account);
  }
  if (kind === 'revoke_token') {
    checkFields(fields, ['account', 'token']);
    const [target, token] = [required(account, 'account'), tokenNumber(fields)];
    return () => revoke(ports, target, token);
  }
  const call = readCallOrder(fields);
  if (call !== undefined) {
    return () => {
      ports.faults.order({ ...call });
      return { ordered: call.times };
    };
  }
  const act = readAccountOrder(fields, account);
  if (act === undefined || account === undefined) {
    throw new ControlError(
      `kind must be one of ${faultKinds.join(', ')}${kind === '' ? '' : `; found ${kind}`}`,
    );
  }
  return () => {
    act(account.store.base + ports.clock.wholeSecond());
    ports.faults.count(kind === 'message' ? `message ${String(fields['message'])}` : kind);
    return { done: kind };
  };
}

/** Carries out one order; throws ControlError. */
export function orderFault(ports: FaultPorts, fields: Fields): unknown {
  return readOrder(ports, fields)();
}
