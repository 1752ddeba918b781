import type { CallFault, OrderedFault } from '../fault-script.ts';
import { serviceNames } from '../remote-api.ts';
import {
  checkFields,
  ControlError,
  optionalCount,
  optionalNumber,
  optionalText,
  required,
  type Fields,
} from './fields.ts';
import { limitReasons } from './reasons.ts';

const LIMIT = 1003;
const BAD_GATEWAY = 502;
const ANY = '*';
const LOGIN = 'token/login';

/** A kind of fault that meets calls of a service. */
interface CallKind {
  /** Fields beside those that every such order has. */
  readonly fields: readonly string[];
  /** Met when no `svc` is given. */
  readonly svc?: string;
  readonly read: (fields: Fields) => CallFault;
}

const kinds: Readonly<Record<string, CallKind>> = {
  error: {
    fields: ['code', 'reason'],
    read: (fields) => ({
      kind: 'error',
      code: required(optionalNumber(fields, 'code'), 'code'),
      reason: optionalText(fields, 'reason'),
    }),
  },
  limit: {
    fields: ['reason'],
    read: (fields) => {
      const reason = optionalText(fields, 'reason') ?? limitReasons[0];
      if (!limitReasons.some((known) => known === reason)) {
        throw new ControlError(`reason must be one of ${limitReasons.join(', ')}; found ${reason}`);
      }
      return { kind: 'error', code: LIMIT, reason };
    },
  },
  http: {
    fields: ['status'],
    read: (fields) => {
      const status = optionalCount(fields, 'status') ?? BAD_GATEWAY;
      if (status < 200 || status > 599) {
        throw new ControlError(`status must be from 200 to 599, found ${status}`);
      }
      return { kind: 'http', status };
    },
  },
  html: { fields: [], read: () => ({ kind: 'html' }) },
  cut: { fields: [], read: () => ({ kind: 'cut' }) },
  truncate: { fields: [], read: () => ({ kind: 'truncate' }) },
  slow: {
    fields: ['ms'],
    read: (fields) => ({ kind: 'slow', ms: required(optionalCount(fields, 'ms'), 'ms') }),
  },
  expire: { fields: [], svc: ANY, read: () => ({ kind: 'expire' }) },
  ip_changed: { fields: [], svc: ANY, read: () => ({ kind: 'ip_changed' }) },
};

/** Kinds of faults that meet calls. */
export const callKinds: readonly string[] = Object.keys(kinds);

/** Reads an order of such a kind, undefined for any other kind; throws ControlError. */
export function readCallOrder(fields: Fields): OrderedFault | undefined {
  const name = optionalText(fields, 'kind') ?? '';
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (kind === undefined) return undefined;
  checkFields(fields, ['svc', 'account', 'after', 'times', ...kind.fields]);
  const svc = required(optionalText(fields, 'svc') ?? kind.svc, 'svc');
  if (svc !== ANY && !serviceNames.includes(svc)) {
    throw new ControlError(`svc must be * or one of ${serviceNames.join(', ')}; found ${svc}`);
  }
  const account = optionalText(fields, 'account');
  if (svc === LOGIN && account !== undefined) {
    throw new ControlError(`a login has no account yet: leave account out with ${LOGIN}`);
  }
  return {
    svc,
    account,
    after: optionalCount(fields, 'after') ?? 0,
    times: optionalCount(fields, 'times') ?? 1,
    fault: kind.read(fields),
  };
}
