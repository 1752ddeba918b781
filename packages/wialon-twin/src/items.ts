import type { AccountStore, StoredMessage } from './account-store.ts';
import { hasFlag } from './params.ts';
import { zoneSummary, type Zone } from './zones.ts';

/** An item of an account as search and subscriptions see it. */
export interface Item {
  readonly id: number;
  readonly type: ItemType;
  readonly name: string;
  /** Hardware id of a unit; empty for other items. */
  readonly uniqueId: string;
}

/** Item types and their `cls`. */
export const itemClasses = {
  user: 1,
  avl_unit: 2,
  avl_resource: 3,
  avl_hw: 4,
  avl_unit_group: 5,
  avl_route: 6,
  avl_retranslator: 7,
} as const;

export type ItemType = keyof typeof itemClasses;

/** What the twin serves for one Wialon account. */
export interface TwinAccount {
  readonly store: AccountStore;
  readonly zones: readonly Zone[];
  readonly items: ReadonlyMap<number, Item>;
}

const ACCESS_BITS = 880_333_094_911;
const CREATED = 1_200_000_000;

/** The user that owns an account's tokens; ids are unique over all item types. */
export function userIdOf(store: AccountStore): number {
  return store.account.resource_id + 1;
}

/** The items of an account: its user, its resource and one unit per vehicle of the recording. */
export function createAccount(store: AccountStore, zones: readonly Zone[]): TwinAccount {
  const { resource_id, account: name } = store.account;
  const items: Item[] = [
    { id: userIdOf(store), type: 'user', name, uniqueId: '' },
    { id: resource_id, type: 'avl_resource', name, uniqueId: '' },
    ...[...store.units].map(([vehicle, id]): Item => ({
      id,
      type: 'avl_unit',
      name: vehicle,
      uniqueId: `86${String(id).padStart(13, '0')}`,
    })),
  ];
  return { store, zones, items: new Map(items.map((item) => [item.id, item])) };
}

/** A part of an item that a data flag adds: member → JSON text. */
type Part = readonly [flag: number, members: () => Readonly<Record<string, unknown>>];

/** JSON that is written already: the position and last message of a unit. */
class Written {
  readonly json: string;
  constructor(json: string) {
    this.json = json;
  }
}

function lastMembers(message: StoredMessage | undefined): Readonly<Record<string, unknown>> {
  return { ...positionMembers(message), lmsg: new Written(message?.json ?? 'null') };
}

function positionMembers(message: StoredMessage | undefined): Readonly<Record<string, unknown>> {
  if (message?.position === undefined) return { pos: null };
  return { pos: new Written(`{"t":${message.t},"f":1,"lc":0,${message.position.slice(1)}`) };
}

function unitParts(account: TwinAccount, item: Item, now: number): Part[] {
  const last = (): StoredMessage | undefined => account.store.last(item.id, now);
  return [
    [0x8, () => ({ flds: {}, fldsmax: 0 })],
    [0x80, () => ({ aflds: {}, afldsmax: 0 })],
    [
      0x100,
      () => ({ uid: item.uniqueId, uid2: '', hw: 9, ph: '', ph2: '', psw: '', act: 1, dactt: 0 }),
    ],
    [0x200, () => ({ cmds: [] })],
    [0x400, () => lastMembers(last())],
    [0x1000, () => ({ sens: {}, sens_max: 0 })],
    [0x2000, () => ({ cfl: 0, cnm: 0, cneh: 0, cnkb: 0 })],
    [0x8000, () => ({ si: {}, simax: 0 })],
    [0x100000, () => ({ prms: {} })],
    [0x200000, () => ({ netconn: 1 })],
    [0x400000, () => positionMembers(last())],
    [0x800000, () => ({ pflds: {}, pfldsmax: 0 })],
  ];
}

function resourceParts(account: TwinAccount): Part[] {
  const zones = (): unknown =>
    Object.fromEntries(account.zones.map((zone) => [zone.id, zoneSummary(zone)]));
  return [
    [0x8, () => ({ flds: {}, fldsmax: 0 })],
    [0x80, () => ({ aflds: {}, afldsmax: 0 })],
    // The recordings name no drivers.
    [0x100, () => ({ drvrs: {}, drvrsmax: 0 })],
    [0x200, () => ({ ujb: {} })],
    [0x400, () => ({ unf: {}, unfmax: 0 })],
    [0x1000, () => ({ zl: zones(), zlmax: 0 })],
    [0x2000, () => ({ rep: {}, repmax: 0 })],
    [0x4000, () => ({ drvrun: [] })],
    [0x8000, () => ({ drvrsgr: {} })],
    [0x10000, () => ({ trlrs: {}, trlrsmax: 0 })],
    [0x100000, () => ({ zg: {} })],
  ];
}

function userParts(): Part[] {
  return [[0x100, () => ({ fl: 2, hm: '*', ld: CREATED, mapps: {} })]];
}

function typeParts(account: TwinAccount, item: Item, now: number): Part[] {
  if (item.type === 'avl_unit') return unitParts(account, item, now);
  return item.type === 'avl_resource' ? resourceParts(account) : userParts();
}

const write = (value: unknown): string =>
  value instanceof Written ? value.json : JSON.stringify(value);

/** JSON of an item with the members that the data flags ask for, as of data time `now`. */
export function itemJson(account: TwinAccount, item: Item, flags: number, now: number): string {
  const { name: nm, id, type } = item;
  const base = { nm, cls: itemClasses[type], id, mu: 0, uacl: ACCESS_BITS };
  const { resource_id: bact } = account.store.account;
  const parts: Part[] = [
    [0x1, () => base],
    [0x2, () => ({ prp: {}, ct: CREATED })],
    [0x4, () => ({ crt: userIdOf(account.store), bact })],
    ...typeParts(account, item, now),
  ];
  const members = new Map<string, unknown>();
  for (const [flag, give] of parts) {
    if (!hasFlag(flags, flag)) continue;
    for (const [name, value] of Object.entries(give())) members.set(name, value);
  }
  const written = [...members].map(([name, value]) => `${JSON.stringify(name)}:${write(value)}`);
  return `{${written.join(',')}}`;
}
