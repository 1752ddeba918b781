import type { DataClock } from '../clock.ts';
import type { CallFault, FaultScript } from '../fault-script.ts';
import type { TwinAccount } from '../items.ts';
import type { Sessions } from '../session.ts';
import { ControlError, optionalNumber, optionalText, required, type Fields } from './fields.ts';
import {
  changeSensors,
  editZone,
  removeUnit,
  renameColumn,
  resetCounter,
  restoreUnit,
} from './items.ts';
import { injectionOf, messageFaults } from './messages.ts';
import { limitReasons } from './reasons.ts';

/** What faults act on. */
export interface FaultPorts {
  readonly accounts: readonly TwinAccount[];
  readonly sessions: Sessions;
  readonly faults: FaultScript;
  readonly clock: Pick<DataClock, 'wholeSecond'>;
}

const LIMIT = 1003;
const BAD_GATEWAY = 502;

/** Kinds of faults that meet calls of a service. */
const callKinds: Readonly<Record<string, (fields: Fields) => CallFault>> = {
  error: (fields) => ({
    kind: 'error',
    code: required(optionalNumber(fields, 'code'), 'code'),
    reason: optionalText(fields, 'reason'),
  }),
  limit: (fields) => {
    const reason = optionalText(fields, 'reason') ?? limitReasons[0];
    if (!limitReasons.some((known) => known === reason)) {
      throw new ControlError(`reason must be one of ${limitReasons.join(', ')}`);
    }
    return { kind: 'error', code: LIMIT, reason };
  },
  http: (fields) => ({ kind: 'http', status: optionalNumber(fields, 'status') ?? BAD_GATEWAY }),
  html: () => ({ kind: 'html' }),
  cut: () => ({ kind: 'cut' }),
  truncate: () => ({ kind: 'truncate' }),
  slow: (fields) => ({ kind: 'slow', ms: required(optionalNumber(fields, 'ms'), 'ms') }),
  expire: () => ({ kind: 'expire' }),
  ip_changed: () => ({ kind: 'ip_changed' }),
};

type Act = (account: TwinAccount, fields: Fields, now: number) => void;

const unitOf = (account: TwinAccount, fields: Fields): number => {
  const unit = required(optionalNumber(fields, 'unit'), 'unit');
  if (![...account.store.units.values()].includes(unit)) {
    throw new ControlError(`unknown unit ${unit}`);
  }
  return unit;
};

function tokenOf(fields: Fields): 1 | 2 {
  const token = optionalNumber(fields, 'token') ?? 1;
  if (token !== 1 && token !== 2) throw new ControlError('token must be 1 or 2');
  return token;
}

const messageAct: Act = (account, fields, now) => {
  const kind = optionalText(fields, 'message');
  const message = messageFaults.find((known) => known === kind);
  if (message === undefined) {
    throw new ControlError(`message must be one of ${messageFaults.join(', ')}`);
  }
  const unit = unitOf(account, fields);
  const ageS = optionalNumber(fields, 'age_s') ?? 3600;
  const silent = fields['silent'] === true;
  account.store.inject([injectionOf(account, { unit, message, ageS, silent }, now)], now);
};

/** Kinds of faults that change an account. */
const accountKinds: Readonly<Record<string, Act>> = {
  message: messageAct,
  restore_token: (account, fields) => account.tokens.add(tokenOf(fields)),
  change_sensors: (account, fields) => changeSensors(account, unitOf(account, fields)),
  reset_counter: (account, fields, now) => resetCounter(account, unitOf(account, fields), now),
  remove_unit: (account, fields) => removeUnit(account, unitOf(account, fields)),
  restore_unit: (account, fields) => restoreUnit(account, unitOf(account, fields)),
  edit_zone: (account, fields) =>
    editZone(account, required(optionalNumber(fields, 'zone'), 'zone')),
  rename_column: (account, fields) =>
    renameColumn(
      account,
      required(optionalText(fields, 'report'), 'report'),
      required(optionalText(fields, 'column'), 'column'),
      required(optionalText(fields, 'name'), 'name'),
    ),
};

/** All kinds that can be ordered. */
export const faultKinds: readonly string[] = [
  'expire_sessions',
  'revoke_token',
  ...Object.keys(callKinds),
  ...Object.keys(accountKinds),
];

/** Ends the live sessions of a token and refuses it from now on. */
function revoke({ sessions, faults }: FaultPorts, account: TwinAccount, token: 1 | 2): unknown {
  account.tokens.delete(token);
  const live = sessions.live(account.store.account.account).filter((one) => one.token === token);
  for (const session of live) sessions.end(session, 'token');
  faults.count('revoke_token');
  return { expired: live.length };
}

function orderCall(
  ports: FaultPorts,
  kind: string,
  fields: Fields,
  read: (f: Fields) => CallFault,
): unknown {
  const svc =
    optionalText(fields, 'svc') ?? (kind === 'expire' || kind === 'ip_changed' ? '*' : undefined);
  const times = optionalNumber(fields, 'times') ?? 1;
  ports.faults.order({
    svc: required(svc, 'svc'),
    account: optionalText(fields, 'account'),
    after: optionalNumber(fields, 'after') ?? 0,
    times,
    fault: read(fields),
  });
  return { ordered: times };
}

/** Carries out one order of the control API or of a fault script; throws ControlError. */
export function orderFault(ports: FaultPorts, fields: Fields): unknown {
  const kind = optionalText(fields, 'kind') ?? '';
  const name = optionalText(fields, 'account');
  const account = ports.accounts.find(({ store }) => store.account.account === name);
  if (name !== undefined && account === undefined)
    throw new ControlError(`unknown account ${name}`);
  if (kind === 'expire_sessions') {
    const live = ports.sessions.live(name);
    for (const session of live) ports.sessions.end(session, 'fault');
    ports.faults.count(kind);
    return { expired: live.length };
  }
  if (kind === 'revoke_token') {
    return revoke(ports, required(account, 'account'), tokenOf(fields));
  }
  const read = Object.hasOwn(callKinds, kind) ? callKinds[kind] : undefined;
  if (read !== undefined) return orderCall(ports, kind, fields, read);
  const act = Object.hasOwn(accountKinds, kind) ? accountKinds[kind] : undefined;
  if (act === undefined) throw new ControlError(`kind must be one of ${faultKinds.join(', ')}`);
  const target = required(account, 'account');
  act(target, fields, target.store.base + ports.clock.wholeSecond());
  ports.faults.count(kind === 'message' ? `message ${String(fields['message'])}` : kind);
  return { done: kind };
}
