import { shortHash } from '@waybill/domain';
import { pageRecords, type Fetched } from './core/page.ts';
import { ask, type Asked, type Session } from './ask.ts';
import { publishPages, type AccountContext } from './context.ts';
import { extractorFault } from './errors.ts';

/** Base, device identity, last position, profile fields (VIN, plate): 6.1 of the fact sheet. */
const UNIT_FLAGS = 1 + 256 + 1024 + 8_388_608;
const RESOURCE_FLAGS = 1;
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

/** Fingerprints of what was published, so that an unchanged listing is not published again. */
export type Published = Map<string, string>;

function listingOf(asked: Extract<Asked, { kind: 'answer' }>): Listing {
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
  throw extractorFault('PROVIDER_GARBLED', 'core/search_items: expected items and a total');
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

/** An item's description without what changes with every message. */
function lasting(item: unknown): unknown {
  if (typeof item !== 'object' || item === null) return item;
  const { pos: _pos, lmsg: _lmsg, netconn: _netconn, ...rest } = item as Record<string, unknown>;
  return rest;
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
    providerNowTime: null,
  });
  await publishPages(context, session, values, asked.traceparent, []);
}

/** All items of a type that the account sees; changed pages of the listing are published. */
async function listItems(
  context: AccountContext,
  session: Session,
  published: Published,
  itemsType: string,
  flags: number,
): Promise<readonly number[]> {
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

/** Ids of the units that the account sees. */
export function discoverUnits(
  context: AccountContext,
  session: Session,
  published: Published,
): Promise<readonly number[]> {
  return listItems(context, session, published, 'avl_unit', UNIT_FLAGS);
}

/** Publishes the geofences of all resources that the account sees, where they changed. */
export async function discoverZones(
  context: AccountContext,
  session: Session,
  published: Published,
): Promise<void> {
  const service = 'resource/get_zone_data';
  const resources = await listItems(context, session, published, 'avl_resource', RESOURCE_FLAGS);
  for (const itemId of resources) {
    const parameters = { itemId, flags: ZONE_FLAGS };
    const asked = await ask(context, session, service, parameters);
    if (asked.kind === 'cured') continue;
    if (!Array.isArray(asked.json)) {
      throw extractorFault('PROVIDER_GARBLED', `${service}: expected an array`);
    }
    const key = `zones/${itemId}`;
    const content = shortHash(asked.body.toString('utf8'));
    if (asked.json.length === 0 || published.get(key) === content) continue;
    await publish(context, session, asked, {
      call: service,
      parameters,
      shape: { member: null },
      count: asked.json.length,
      firstIndex: 0,
    });
    published.set(key, content);
  }
}

/**
 * Makes the feed carry the messages of units: all that are visible now, or those of `ids` besides. A
 * subscription by type is a snapshot, so units that appear later are added by id.
 */
export async function subscribe(
  context: AccountContext,
  session: Session,
  ids: readonly number[] | 'all',
): Promise<void> {
  const spec =
    ids === 'all'
      ? [
          { type: 'type', data: 'avl_unit', flags: FEED_FLAGS, mode: 0, max_items: 0 },
          { type: 'access', data: 1, flags: 0, mode: 0, max_items: 0 },
        ]
      : [{ type: 'col', data: ids, flags: FEED_FLAGS, mode: 1, max_items: 0 }];
  const asked = await ask(context, session, 'core/update_data_flags', { spec });
  if (asked.kind === 'cured') {
    throw extractorFault(
      'PROVIDER_STUCK',
      `core/update_data_flags: refused with error ${asked.code}`,
    );
  }
}
