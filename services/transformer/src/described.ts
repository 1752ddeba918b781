import {
  topics,
  type AssetDescribed,
  type DriverBound,
  type Message,
  type PageFetched,
  type Topic,
  type ZoneDescribed,
} from '@waybill/contracts';
import { taskKey } from '@waybill/domain';
import type { TableReader } from '@waybill/stream';
import {
  endValidity,
  joinValidity,
  readBindings,
  readDriverCodes,
  readGone,
  type TransformedEvent,
} from '@waybill/transforms';

type State = AssetDescribed | ZoneDescribed | DriverBound;

/** A state record to write. */
export interface StateRecord {
  readonly topic: Topic;
  readonly key: string;
  readonly message: Message;
}

/** The history of units, geofences and driver bindings. */
export interface Described {
  /** An event of a page with all validity intervals; undefined when it says nothing new. */
  readonly join: (event: TransformedEvent) => TransformedEvent | undefined;
  /** What a page means besides its elements: units and geofences that are gone, driver bindings. */
  readonly besides: (page: PageFetched) => readonly StateRecord[];
  /** True when a page is read by `besides` alone. */
  readonly isWhole: (page: PageFetched) => boolean;
}

const BINDINGS = 'resource/get_driver_bindings';
const BATCH = 'core/batch';
const ZONES = 'resource/get_zone_data';

/**
 * Joins what is read to what is known. The newest state of a key is what this task wrote last, else what
 * stands in the table: the table may be behind by what was committed a moment ago, never by what another
 * task wrote, because all pages of an account come to one task.
 */
export function createDescribed(tables: TableReader): Described {
  const written = new Map<string, State>();
  /** Codes by tenant and driver, as the newest listing of resources had them; a rework brings older ones. */
  const codes = new Map<string, { readonly code: string; readonly receivedTime: number }>();

  function known(topic: Topic, key: string): State | undefined {
    const table = tables.get(topic, key)?.value as State | undefined;
    const own = written.get(`${topic.name} ${key}`);
    return own !== undefined && (table === undefined || own.revision >= table.revision)
      ? own
      : table;
  }

  function record(topic: Topic, key: string, type: string, value: State): StateRecord {
    written.set(`${topic.name} ${key}`, value);
    return { topic, key, message: { type, value } };
  }

  /** The full listing of a resource's geofences lacks those that were deleted. */
  function goneZones(page: PageFetched): readonly StateRecord[] {
    if (page.parts !== 1) return [];
    const resource = numberIn(page.parameters, 'itemId');
    const zones = listIn(page.body.toString('utf8'));
    if (resource === undefined || zones === undefined) return [];
    const present = new Set(zones.map((id) => `wialon:${resource}_${id}`));
    const prefix = `${page.tenant_id}/wialon:${resource}_`;
    const topic = topics.zone as unknown as Topic;
    const keys = new Set([
      ...[...tables.entries(topics.zone)].map(([key]) => key),
      ...[...written.keys()].map((key) => key.slice(key.indexOf(' ') + 1)),
    ]);
    return [...keys].flatMap((key) => {
      if (!key.startsWith(prefix) || present.has(key.slice(page.tenant_id.length + 1))) return [];
      const zone = known(topic, key) as ZoneDescribed | undefined;
      const ended = zone && endValidity(zone, page.provider_now_time ?? page.received_time);
      return ended === undefined ? [] : [record(topic, key, 'ZoneDescribed', ended)];
    });
  }

  /** Units that the provider, asked for each, has no more. */
  function goneUnits(page: PageFetched): readonly StateRecord[] {
    const topic = topics.asset as unknown as Topic;
    return (readGone(page) ?? []).flatMap((unit) => {
      const key = taskKey(page.tenant_id, unit);
      const asset = known(topic, key) as AssetDescribed | undefined;
      const ended = asset && endValidity(asset, page.provider_now_time ?? page.received_time);
      return ended === undefined ? [] : [record(topic, key, 'AssetDescribed', ended)];
    });
  }

  function bindings(page: PageFetched): readonly StateRecord[] {
    const topic = topics.driverBinding as unknown as Topic;
    const codeOf = (driver: string): string | null =>
      codes.get(`${page.tenant_id}/${driver}`)?.code ?? null;
    return (readBindings(page, codeOf) ?? []).flatMap((bound) => {
      const key = taskKey(page.tenant_id, bound.unit);
      const before = known(topic, key) as DriverBound | undefined;
      const isOld = before !== undefined && before.revision >= bound.revision;
      const isEqual = JSON.stringify(before?.intervals) === JSON.stringify(bound.intervals);
      return isOld || isEqual ? [] : [record(topic, key, 'DriverBound', bound)];
    });
  }

  return {
    join: (event) => {
      if (event.contract !== 'AssetDescribed' && event.contract !== 'ZoneDescribed') return event;
      const { contract, key, value } = event;
      const topic = (contract === 'AssetDescribed'
        ? topics.asset
        : topics.zone) as unknown as Topic;
      // The topic says which of the two a known state is.
      const joined = joinValidity(known(topic, key) as never, value as never) as State | undefined;
      if (joined === undefined) return undefined;
      written.set(`${topic.name} ${key}`, joined);
      return { ...event, value: joined } as TransformedEvent;
    },
    besides: (page) => {
      for (const [driver, code] of readDriverCodes(page)) {
        const key = `${page.tenant_id}/${driver}`;
        const { received_time: receivedTime } = page;
        const isOld = (codes.get(key)?.receivedTime ?? 0) > receivedTime;
        if (!isOld) codes.set(key, { code, receivedTime });
      }
      if (page.call === BINDINGS) return bindings(page);
      if (page.call === BATCH) return goneUnits(page);
      return page.call === ZONES ? goneZones(page) : [];
    },
    isWhole: (page) =>
      (page.call === BINDINGS && readBindings(page, () => null) !== undefined) ||
      (page.call === BATCH && readGone(page) !== undefined),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function numberIn(text: string, name: string): number | undefined {
  const value = parsed(text);
  if (typeof value !== 'object' || value === null) return undefined;
  const found = (value as Readonly<Record<string, unknown>>)[name];
  return typeof found === 'number' ? found : undefined;
}

/** Ids of a listing; undefined when it is none. */
function listIn(text: string): readonly number[] | undefined {
  const value = parsed(text);
  if (!Array.isArray(value)) return undefined;
  return (value as readonly unknown[]).flatMap((element) =>
    typeof element === 'object' && element !== null && 'id' in element ? [Number(element.id)] : [],
  );
}
