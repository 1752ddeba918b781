import type { TwinAccount } from '../items.ts';
import { checkFields, ControlError, optionalCount, optionalText, required } from './fields.ts';
import type { Fields } from './fields.ts';
import {
  changeSensors,
  editZone,
  removeUnit,
  renameColumn,
  resetCounter,
  restoreUnit,
  templateOf,
  zoneOf,
} from './items.ts';
import { injectionOf, messageFaults } from './messages.ts';

/** Carries out what was ordered, at epoch second `now`. */
export type Act = (now: number) => void;

/** A kind of fault that changes an account. */
interface AccountKind {
  readonly fields: readonly string[];
  /** Throws ControlError for what could never be carried out. */
  readonly read: (account: TwinAccount, fields: Fields) => Act;
}

const DEFAULT_AGE_S = 3600;

function unitOf({ store }: TwinAccount, fields: Fields): number {
  const unit = required(optionalCount(fields, 'unit'), 'unit');
  const known = [...store.units.values()];
  if (!known.includes(unit)) {
    throw new ControlError(`unknown unit ${unit}; they begin with ${known[0]}`);
  }
  return unit;
}

/** The number of a token; 1 when the order names none. */
export function tokenNumber(fields: Fields): 1 | 2 {
  const token = optionalCount(fields, 'token') ?? 1;
  if (token !== 1 && token !== 2) throw new ControlError(`token must be 1 or 2, found ${token}`);
  return token;
}

function messageAct(account: TwinAccount, fields: Fields): Act {
  const kind = optionalText(fields, 'message');
  const message = messageFaults.find((known) => known === kind);
  if (message === undefined) {
    throw new ControlError(`message must be one of ${messageFaults.join(', ')}`);
  }
  const unit = unitOf(account, fields);
  const ageS = optionalCount(fields, 'age_s') ?? DEFAULT_AGE_S;
  const silent = fields['silent'] ?? false;
  if (typeof silent !== 'boolean') throw new ControlError('silent must be true or false');
  return (now) =>
    account.store.inject([injectionOf(account, { unit, message, ageS, silent }, now)], now);
}

const onUnit = (act: (account: TwinAccount, unit: number, now: number) => void): AccountKind => ({
  fields: ['unit'],
  read: (account, fields) => {
    const unit = unitOf(account, fields);
    return (now) => act(account, unit, now);
  },
});

const kinds: Readonly<Record<string, AccountKind>> = {
  message: { fields: ['unit', 'message', 'age_s', 'silent'], read: messageAct },
  restore_token: {
    fields: ['token'],
    read: (account, fields) => {
      const token = tokenNumber(fields);
      return () => void account.tokens.add(token);
    },
  },
  change_sensors: onUnit(changeSensors),
  reset_counter: onUnit(resetCounter),
  remove_unit: onUnit(removeUnit),
  restore_unit: onUnit(restoreUnit),
  edit_zone: {
    fields: ['zone'],
    read: (account, fields) => {
      const { id } = zoneOf(account, required(optionalCount(fields, 'zone'), 'zone'));
      return () => editZone(account, id);
    },
  },
  rename_column: {
    fields: ['report', 'column', 'name'],
    read: (account, fields) => {
      const report = required(optionalText(fields, 'report'), 'report');
      const column = required(optionalText(fields, 'column'), 'column');
      const name = required(optionalText(fields, 'name'), 'name');
      const template = templateOf(report, column);
      return () => renameColumn(account, template, column, name);
    },
  },
};

/** Kinds of faults that change an account. */
export const accountKinds: readonly string[] = Object.keys(kinds);

/** Reads an order of such a kind, undefined for any other kind; throws ControlError. */
export function readAccountOrder(
  fields: Fields,
  account: TwinAccount | undefined,
): Act | undefined {
  const name = optionalText(fields, 'kind') ?? '';
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (kind === undefined) return undefined;
  checkFields(fields, ['account', ...kind.fields]);
  return kind.read(required(account, 'account'), fields);
}
