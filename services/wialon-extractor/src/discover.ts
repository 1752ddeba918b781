import { shortHash } from '@waybill/domain';
import { pageRecords, type Fetched } from './core/page.ts';
import { isOwnUnit } from './core/account.ts';
import { ask, type Asked, type Session } from './ask.ts';
import { publishPages, type AccountContext } from './context.ts';
import { extractorFault } from './errors.ts';
import { wrongShape } from './unusable.ts';

/** Base, device identity, last position, profile fields (VIN, plate): 6.1 of the fact sheet. */
const UNIT_FLAGS = 1 + 256 + 1024 + 8_388_608;
/** Sensors, counters, maintenance intervals, trip and fuel settings. */
const SETTINGS_FLAGS = 0x1000 + 0x2000 + 0x8000 + 0x20000;
const RESOURCE_FLAGS = 1;
const DRIVER_FLAGS = 0x100;
/** Boundary and centre, points, base. */
const ZONE_FLAGS = 28;
const ITEMS_PER_PAGE = 1000;
/** A listing whose total changes while it is read begins anew this often. */
const MAX_RESTARTS = 3;
/** 0x20 makes the feed carry a unit's messages. */
const FEED_FLAGS = 1 + 0x20;

interface Item {
  readonly id: number;
}

interface Listing {
  readonly total: number;
  readonly items: readonly Item[];
  readonly raw: readonly unknown[];
}

function listingOf(asked: Extract<Asked, { kind: 'answer' }>): Listing | undefined {
  const { json } = asked;
  if (typeof json === 'object' && json !== null && 'items' in json && 'totalItemsCount' in json) {
    const { items, totalItemsCount } = json;
    if (Array.isArray(items) && typeof totalItemsCount === 'number') {
      const raw: readonly unknown[] = items;
      const usable = raw.filter(
        (item): item is Item =>
          typeof item === 'object' &&
          item !== null &&
          'id' in item &&
          typeof item.id === 'number' &&
          Number.isSafeInteger(item.id),
      );
      return { total: totalItemsCount, items: usable, raw };
    }
  }
  return undefined;
}

function searchParameters(itemsType: string, flags: number, from: number): Record<string, unknown> {
  return {
    spec: {
      itemsType,
      propName: 'sys_name',
      propValueMask: '*',
      // By id: the order does not change while the pages are read.
      sortType: 'sys_id',
      propType: 'property',
      or_logic: 0,
    },
    force: 1,
    flags,
    from,
    to: from + ITEMS_PER_PAGE - 1,
  };
}

/** Last position and message, connection, counters, and the last unit of drivers. */
const FLEETING: ReadonlySet<string> = new Set([
  ...['pos', 'lmsg', 'netconn', 'prms', 'cnm', 'cnm_km', 'cneh', 'cnkb'],
]);

/** An item's description without what changes with every message. */
function lasting(item: unknown): unknown {
  if (typeof item !== 'object' || item === null) return item;
  return Object.fromEntries(Object.entries(item).filter(([name]) => !FLEETING.has(name)));
}

async function publish(
  context: AccountContext,
  session: Session,
  asked: Extract<Asked, { kind: 'answer' }>,
  fetched: Pick<Fetched, 'call' | 'parameters' | 'shape' | 'count' | 'firstIndex'>,
): Promise<void> {
  const values = pageRecords(context.account, {
    ...fetched,
    body: asked.body,
    unit: null,
    windowFromTime: null,
    windowToTime: null,
    sessionHash: session.hash,
    receivedTime: asked.receivedTime,
    // Edits are valid from here on: the provider's clock, not ours.
    providerNowTime: context.memory.providerNowS * 1000,
  });
  // Shards see the same listings; one of them publishes.
  if (context.account.shard.index === 0) await publishPages(context, values, asked.traceparent, []);
}

/** All items of a type that the account sees; changed pages of the listing are published. */
async function listItems(
  context: AccountContext,
  session: Session,
  itemsType: string,
  flags: number,
): Promise<readonly number[]> {
  const { published } = context.memory;
  const service = 'core/search_items';
  for (let restart = 0; restart < MAX_RESTARTS; restart += 1) {
    const ids: number[] = [];
    let total: number | undefined;
    let isStable = true;
    for (let from = 0; from === 0 || from < (total ?? 0); from += ITEMS_PER_PAGE) {
      const parameters = searchParameters(itemsType, flags, from);
      const asked = await ask(context, session, service, parameters);
      if (asked.kind === 'cured') {
        throw extractorFault('PROVIDER_STUCK', `${service}: refused with error ${asked.code}`);
      }
      const listing = listingOf(asked);
      if (listing === undefined) {
        const found = { ...asked, expected: 'items and a total' };
        throw await wrongShape(context, session, { service, parameters }, found);
      }
      isStable &&= total === undefined || total === listing.total;
      total = listing.total;
      ids.push(...listing.items.map((item) => item.id));
      const key = `${itemsType}/${from}`;
      const content = shortHash(JSON.stringify(listing.raw.map(lasting)));
      if (published.get(key) !== content) {
        await publish(context, session, asked, {
          call: service,
          parameters,
          shape: { member: 'items' },
          count: listing.raw.length,
          firstIndex: from,
        });
        published.set(key, content);
      }
    }
    if (isStable) return ids;
  }
  throw extractorFault('PROVIDER_STUCK', `${service}: the listing changed on every reading`);
}

/** Ids of the units that this part of the account sees. */
export async function discoverUnits(
  context: AccountContext,
  session: Session,
): Promise<readonly number[]> {
  const { account } = context;
  const flags = UNIT_FLAGS + (account.wants.sensors ? SETTINGS_FLAGS : 0);
  const ids = await listItems(context, session, 'avl_unit', flags);
  return ids.filter((id) => isOwnUnit(account, id));
}

/** Publishes an answer when it changed since it was last published. */
async function publishChanged(
  context: AccountContext,
  session: Session,
  asked: Extract<Asked, { kind: 'answer' }>,
  fetched: Pick<Fetched, 'call' | 'parameters' | 'shape' | 'count'>,
  key: string,
): Promise<void> {
  const { published } = context.memory;
  const content = shortHash(asked.body.toString('utf8'));
  if (published.get(key) === content) return;
  await publish(context, session, asked, { ...fetched, firstIndex: 0 });
  published.set(key, content);
}

/** The geofences of a resource. */
async function discoverZones(
  context: AccountContext,
  session: Session,
  itemId: number,
): Promise<void> {
  const service = 'resource/get_zone_data';
  const parameters = { itemId, flags: ZONE_FLAGS };
  const asked = await ask(context, session, service, parameters);
  if (asked.kind === 'cured') return;
  if (!Array.isArray(asked.json)) {
    const found = { ...asked, expected: 'an array' };
    throw await wrongShape(context, session, { service, parameters }, found);
  }
  const count = asked.json.length;
  const key = `zones/${itemId}`;
  if (count === 0 && !context.memory.published.has(key)) return;
  const fetched = { call: service, parameters, shape: { member: null }, count };
  await publishChanged(context, session, asked, fetched, key);
}

/** Which drivers of a resource were bound to which units, from the first read on. */
async function discoverBindings(
  context: AccountContext,
  session: Session,
  resourceId: number,
): Promise<void> {
  const service = 'resource/get_driver_bindings';
  const { account, memory } = context;
  const timeFrom = Math.floor(account.readFromTime / 1000);
  const window = { timeFrom, timeTo: memory.providerNowS };
  const parameters = { resourceId, unitId: 0, driverId: 0, ...window };
  const asked = await ask(context, session, service, parameters);
  if (asked.kind === 'cured') return;
  if (typeof asked.json !== 'object' || asked.json === null || Array.isArray(asked.json)) {
    const found = { ...asked, expected: 'an object by driver' };
    throw await wrongShape(context, session, { service, parameters }, found);
  }
  const count = Object.keys(asked.json).length;
  const fetched = { call: service, parameters, shape: { member: null }, count };
  await publishChanged(context, session, asked, fetched, `bindings/${resourceId}`);
}

/** Publishes geofences and driver bindings, as far as events need them, where they changed. */
export async function discoverResources(context: AccountContext, session: Session): Promise<void> {
  const { wants, shard } = context.account;
  if ((!wants.zones && !wants.drivers) || shard.index > 0) return;
  const flags = RESOURCE_FLAGS + (wants.drivers ? DRIVER_FLAGS : 0);
  for (const id of await listItems(context, session, 'avl_resource', flags)) {
    if (wants.zones) await discoverZones(context, session, id);
    if (wants.drivers) await discoverBindings(context, session, id);
  }
}

/** Units named in one subscription. */
const SUBSCRIBED_AT_ONCE = 5000;

type Spec = Readonly<Record<string, unknown>>;

async function subscribeTo(
  context: AccountContext,
  session: Session,
  spec: readonly Spec[],
): Promise<void> {
  const asked = await ask(context, session, 'core/update_data_flags', { spec });
  if (asked.kind === 'cured') {
    throw extractorFault(
      'PROVIDER_STUCK',
      `core/update_data_flags: refused with error ${asked.code}`,
    );
  }
}

/**
 * Makes the feed carry the messages of all units. A subscription by type is a snapshot, so units that
 * appear later are added by id; a shard names its own from the start.
 */
export async function subscribeAll(
  context: AccountContext,
  session: Session,
  ids: readonly number[],
): Promise<void> {
  const access = { type: 'access', data: 1, flags: 0, mode: 0, max_items: 0 };
  if (context.account.shard.count > 1) {
    await subscribeTo(context, session, [access]);
    return subscribeMore(context, session, ids);
  }
  const all = { type: 'type', data: 'avl_unit', flags: FEED_FLAGS, mode: 0, max_items: 0 };
  return subscribeTo(context, session, [all, access]);
}

/** Adds units to the feed. */
export async function subscribeMore(
  context: AccountContext,
  session: Session,
  ids: readonly number[],
): Promise<void> {
  for (let from = 0; from < ids.length; from += SUBSCRIBED_AT_ONCE) {
    const data = ids.slice(from, from + SUBSCRIBED_AT_ONCE);
    const more = { type: 'col', data, flags: FEED_FLAGS, mode: 1, max_items: 0 };
    await subscribeTo(context, session, [more]);
  }
}
