import { crc32 } from 'node:zlib';
import type { Driver } from './equipment/drivers.ts';
import { Equipment } from './equipment/equipment.ts';
import { notificationsOf, type Notification } from './equipment/notifications.ts';
import {
  fuelSettingsOf,
  profileOf,
  serviceIntervalsOf,
  tripDetectorOf,
} from './equipment/settings.ts';
import { engineSeconds } from './equipment/telemetry.ts';
import type { InjectedStore } from './injected-store.ts';
import type { MessageStore, StoredMessage } from './message-store.ts';
import { hasFlag } from './params.ts';
import { templates } from './reports/tables.ts';
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

/** A change of an item that polls show to sessions subscribed to `flag`. */
export interface ItemChange {
  /** Item id, or a negative number for a service event. */
  readonly i: number;
  /** u property change, d deleted. */
  readonly t: 'u' | 'd';
  readonly d?: unknown;
  /** Data flag that a session must have subscribed for the item; 0 = every session hears it. */
  readonly flag: number;
}

/** What the twin serves for one Wialon account; faults change everything but the store. */
export interface TwinAccount {
  readonly store: InjectedStore;
  zones: readonly Zone[];
  readonly items: Map<number, Item>;
  readonly equipment: Equipment;
  readonly notifications: readonly Notification[];
  /** Where notifications are pushed to; undefined = nowhere. */
  readonly pushUrl: string | undefined;
  readonly changes: ItemChange[];
  /** Tokens that log in; revoked ones are missing. */
  readonly tokens: Set<1 | 2>;
}

const ACCESS_BITS = 880_333_094_911;
const CREATED = 1_200_000_000;
/** Drivers are bound from ten days before the clock starts. */
const SINCE_S = 10 * 86_400;

/** The user that owns an account's tokens; ids are unique over all item types. */
export function userIdOf(store: MessageStore): number {
  return store.account.resource_id + 1;
}

/** The items of an account: its user, its resource and one unit per vehicle. */
export function createAccount(
  store: InjectedStore,
  zones: readonly Zone[],
  options: { readonly isFull: boolean; readonly pushUrl: string | undefined },
): TwinAccount {
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
  const unitIds = [...store.units.values()];
  return {
    store,
    zones,
    items: new Map(items.map((item) => [item.id, item])),
    equipment: new Equipment({ unitIds, isFull: options.isFull, since: store.base - SINCE_S }),
    notifications: options.isFull ? notificationsOf(zones.map(({ id }) => id)) : [],
    pushUrl: options.pushUrl,
    changes: [],
    tokens: new Set([1, 2]),
  };
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

type Parameters = Readonly<Record<string, unknown>>;

function parametersOf(message: StoredMessage | undefined): Parameters {
  // The last message is well-formed, so its parameters are an object.
  return message === undefined ? {} : ((JSON.parse(message.json) as { p?: Parameters }).p ?? {});
}

function counters(account: TwinAccount, item: Item, last: StoredMessage | undefined): object {
  const { odometer } = parametersOf(last);
  const metres = typeof odometer === 'number' ? odometer : 0;
  const counted = Math.max(0, metres - account.equipment.counterStart(item.id));
  // 1 mileage by sensor, 0x10 engine hours by ignition, both counted by themselves.
  const cfl = account.equipment.isFull ? 0x1 + 0x10 + 0x100 + 0x200 : 0;
  const cneh = Math.round(engineSeconds(counted) / 360) / 10;
  return { cfl, cnm: Math.round(counted / 1000), cneh, cnkb: 0 };
}

function lastParameters(last: StoredMessage | undefined): unknown {
  return Object.fromEntries(
    Object.entries(parametersOf(last)).map(([name, v]) => [
      name,
      { v, ct: last?.t ?? 0, at: last?.t ?? 0 },
    ]),
  );
}

function unitParts(account: TwinAccount, item: Item, now: number): Part[] {
  const { equipment } = account;
  const sensors = (): unknown =>
    Object.fromEntries(equipment.sensors(item.id).map((sensor) => [sensor.id, sensor]));
  const full = <T>(value: () => T): T | object => (equipment.isFull ? value() : {});
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
    [0x800, () => (equipment.isFull ? { drv: equipment.driverCode(item.id) } : {})],
    [0x1000, () => ({ sens: sensors(), sens_max: 0 })],
    [0x2000, () => ({ ...counters(account, item, last()) })],
    [0x8000, () => ({ si: full(() => serviceIntervalsOf(CREATED)), simax: 0 })],
    [
      0x20000,
      () => (equipment.isFull ? { rtd: tripDetectorOf(item.id), rfc: fuelSettingsOf() } : {}),
    ],
    [0x100000, () => ({ prms: lastParameters(last()) })],
    [0x200000, () => ({ netconn: 1 })],
    [0x400000, () => positionMembers(last())],
    [0x800000, () => ({ pflds: full(() => profileOf(item.id)), pfldsmax: 0 })],
  ];
}

function driverMembers(account: TwinAccount, driver: Driver, now: number): unknown {
  const last = account.equipment.bindings(driver, now).at(-1);
  return {
    id: driver.id,
    n: driver.name,
    c: driver.code,
    ds: '',
    p: '',
    jp: {},
    ej: {},
    f: 0,
    r: 1,
    ck: 0,
    bu: last?.u ?? 0,
    pu: 0,
    bt: last?.t ?? 0,
    ct: CREATED,
    mt: CREATED,
  };
}

function notificationMembers({ id, n, txt, trg }: Notification, account: TwinAccount): unknown {
  return {
    id,
    n,
    ta: 0,
    td: 0,
    ma: 0,
    fl: 0,
    ac: 0,
    un: [...account.store.units.values()],
    act: [account.pushUrl === undefined ? 'event' : 'push_messages'],
    trg: trg.t,
    crc: crc32(JSON.stringify([n, txt, trg, account.pushUrl])),
  };
}

function reportMembers(account: TwinAccount): unknown {
  const { equipment } = account;
  if (!equipment.isFull) return {};
  return Object.fromEntries(
    templates.map(({ id, name, columns }) => {
      const names = columns.map((column) => equipment.columnName(name, column.name));
      return [id, { id, n: name, ct: 'avl_unit', c: crc32(names.join('|')) }];
    }),
  );
}

function resourceParts(account: TwinAccount, now: number): Part[] {
  const drivers = (): unknown =>
    Object.fromEntries(
      account.equipment.drivers.map((driver) => [driver.id, driverMembers(account, driver, now)]),
    );
  const notifications = (): unknown =>
    Object.fromEntries(
      account.notifications.map((one) => [one.id, notificationMembers(one, account)]),
    );
  const zones = (): unknown =>
    Object.fromEntries(account.zones.map((zone) => [zone.id, zoneSummary(zone)]));
  return [
    [0x8, () => ({ flds: {}, fldsmax: 0 })],
    [0x80, () => ({ aflds: {}, afldsmax: 0 })],
    [0x100, () => ({ drvrs: drivers(), drvrsmax: 0 })],
    [0x200, () => ({ ujb: {} })],
    [0x400, () => ({ unf: notifications(), unfmax: 0 })],
    [0x1000, () => ({ zl: zones(), zlmax: 0 })],
    [0x2000, () => ({ rep: reportMembers(account), repmax: 0 })],
    [0x4000, () => ({ drvrun: account.equipment.isFull ? [...account.store.units.values()] : [] })],
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
  return item.type === 'avl_resource' ? resourceParts(account, now) : userParts();
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
