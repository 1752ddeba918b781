import { itemJson, type Item, type TwinAccount } from './items.ts';
import { ApiError, errorCode, has, hasFlag, integer, numbers, object, text } from './params.ts';
import { searchItems } from './search.ts';
import type { Call, Services } from './service.ts';
import type { Session } from './session.ts';

/** Subscribes to new messages of a unit. */
const MESSAGES_FLAG = 0x20;

/** The item, if this account sees it; error 7 otherwise, as for items of others. */
export function visibleItem({ account, params }: Call, name: string): Item {
  const item = account.items.get(integer(params, name));
  if (item === undefined) throw new ApiError(errorCode.accessDenied);
  return item;
}

function searchItemsAnswer({ account, params, now }: Call): string {
  if (!has(params, 'spec')) throw new ApiError(errorCode.invalidInput);
  const result = searchItems(account, object(params['spec']), params);
  const flags = integer(params, 'flags');
  const head = JSON.stringify({
    searchSpec: result.searchSpec,
    dataFlags: flags,
    totalItemsCount: result.totalItemsCount,
    indexFrom: integer(params, 'from'),
    indexTo: integer(params, 'to'),
  });
  const items = result.found.map((item) => itemJson(account, item, flags, now));
  return `${head.slice(0, -1)},"items":[${items.join(',')}]}`;
}

function searchItem(call: Call): string {
  const flags = integer(call.params, 'flags');
  const item = visibleItem(call, 'id');
  return `{"item":${itemJson(call.account, item, flags, call.now)},"flags":${flags}}`;
}

/** Items a subscription names: one id, a collection of ids, or all of a type that are visible now. */
function namedItems({ account, params }: Call): Item[] {
  const type = text(params, 'type');
  if (type === 'access') return [];
  if (type === 'type') {
    return [...account.items.values()].filter((item) => item.type === params['data']);
  }
  const ids = type === 'id' || type === 'col' ? numbers(params, 'data') : undefined;
  if (ids === undefined) throw new ApiError(errorCode.invalidInput);
  return ids.map((id) => {
    const item = account.items.get(id);
    if (item === undefined) throw new ApiError(errorCode.invalidInput);
    return item;
  });
}

/** Flags after a change; mode 0 sets, 1 adds, 2 removes. */
function changedFlags(before: number, flags: number, mode: number): number {
  // Data flags go beyond 32 bits, where the bit operators of numbers stop.
  const [old, change] = [BigInt(before), BigInt(flags)];
  if (mode === 1) return Number(old | change);
  return mode === 2 ? Number(old & ~change) : flags;
}

function subscribe(call: Call, item: Item): string {
  const { session, params, account, now } = call;
  const [flags, mode] = [integer(params, 'flags'), integer(params, 'mode')];
  const before = session.subscriptions.get(item.id);
  const after = changedFlags(before?.flags ?? 0, flags, mode);
  const heard = before !== undefined && Math.floor(before.flags / MESSAGES_FLAG) % 2 === 1;
  if (after % 2 === 0) session.subscriptions.delete(item.id);
  else {
    const since = heard ? before.since : session.store.registered(now);
    session.subscriptions.set(item.id, { flags: after, since });
  }
  const data = mode === 2 ? 'null' : itemJson(account, item, flags, now);
  return `{"i":${item.id},"d":${data},"f":${after}}`;
}

function updateDataFlags(call: Call): string {
  const specs = call.params['spec'];
  if (!Array.isArray(specs)) throw new ApiError(errorCode.invalidInput);
  const answers = specs.flatMap((spec: unknown) => {
    const one = { ...call, params: object(spec) };
    return namedItems(one).map((item) => subscribe(one, item));
  });
  return `[${answers.join(',')}]`;
}

/** What the account may do; `type` 2 adds how long messages are kept. */
function accountData({ params, account }: Call): string {
  const plan = { flags: 0, historyPeriod: 0, combined: 0 };
  return JSON.stringify({
    account: account.store.account.account,
    plan: 'twin',
    enabled: 1,
    services: { avl_unit: { type: 2, usage: account.store.units.size, maxUsage: -1 } },
    ...(integer(params, 'type') === 2 && { settings: { plan, combined: plan } }),
  });
}

/** Whether a name is taken: 1 = yes. */
function checkUnique({ params, account, spend }: Call): string {
  spend('unique_checks', 1);
  const [type, value] = [text(params, 'type'), text(params, 'value')];
  const taken = [...account.items.values()].some(
    (item) => item.type === type && item.name === value,
  );
  return JSON.stringify({ result: taken ? 1 : 0 });
}

/** core/*, except the calls that end or multiply sessions. */
export const coreServices: Services = {
  'core/get_account_data': { run: accountData },
  'core/check_unique': { run: checkUnique },
  'core/set_session_property': { run: () => '{}' },
  'core/set_prms_limit': { run: () => '{}' },
  'core/get_hw_types': {
    run: () =>
      '[{"id":9,"uid2":0,"name":"Twin tracker","hw_category":"auto","hw_features":"","tp":0,"up":0}]',
  },
  'core/search_items': { run: searchItemsAnswer },
  'core/search_item': { run: searchItem },
  'core/update_data_flags': { run: updateDataFlags },
};

/** Changes of items since the previous poll that the session subscribed to. */
function newChanges(session: Session, { changes }: Pick<TwinAccount, 'changes'>): unknown[] {
  const fresh = changes.slice(session.changesSeen);
  session.changesSeen = changes.length;
  return fresh.flatMap(({ flag, ...change }) => {
    const flags = session.subscriptions.get(change.i)?.flags;
    return flag === 0 || (flags !== undefined && hasFlag(flags, flag)) ? [change] : [];
  });
}

/**
 * The answer to a poll: messages registered since the previous poll of the session, in order of
 * registration, for units subscribed with flag 0x20. Everything registered up to `tm` is in this or an
 * earlier answer, or was registered before its unit was subscribed.
 */
export function pollEvents({
  session,
  account,
  now,
}: Pick<Call, 'session' | 'now'> & { readonly account: Pick<TwinAccount, 'changes'> }): string {
  const { store, subscriptions } = session;
  const limit = store.registered(now);
  const events: string[] = [];
  for (let g = session.cursor; g < limit; g++) {
    const { unitId, json, silent } = store.message(g);
    const subscription = subscriptions.get(unitId);
    if (silent || subscription === undefined || g < subscription.since) continue;
    if (Math.floor(subscription.flags / MESSAGES_FLAG) % 2 === 0) continue;
    events.push(`{"i":${unitId},"t":"m","d":${json}}`);
  }
  session.cursor = Math.max(session.cursor, limit);
  for (const change of newChanges(session, account)) events.push(JSON.stringify(change));
  return `{"tm":${now},"events":[${events.join(',')}],"sensors":[]}`;
}
