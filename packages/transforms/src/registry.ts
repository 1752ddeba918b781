import type { PageFetched } from '@waybill/contracts';
import { jsonMember, type JsonSpan } from '@waybill/domain';
import { isObject, violation } from './json.ts';
import type { WebhookAdapter } from './webhook-adapter.ts';
import { flespiAdapter } from './webhook-flespi.ts';
import { geotabAdapter } from './webhook-geotab.ts';
import { ipsAdapter } from './webhook-ips.ts';
import { samsaraAdapter, samsaraIncidentAdapter } from './webhook-samsara.ts';
import { traccarAdapter } from './webhook-traccar.ts';
import { cloudEventsAdapter, waybillAdapter } from './webhook-waybill.ts';
import { wialonAdapter } from './webhook-wialon.ts';
import { readItem, wialonUnit } from './wialon-items.ts';
import { readMessage, type MessageContext, type SignalReading } from './wialon-message.ts';
import { readZone } from './wialon-zones.ts';
import { reject, skip, type RecordAddress, type Verdict } from './transformed.ts';

/** Name and version of an adapter; what a roll-out switches and a log line names. */
interface Versioned {
  readonly name: string;
  readonly version: number;
}

/** Turns the elements of one kind of provider answer into contract events. */
export interface PageAdapter extends Versioned {
  /** Calls whose answers it reads. */
  readonly calls: readonly string[];
  /** Member of the body that holds the elements; null = the body is the array. */
  readonly member: string | null;
  /** Made once per page, called once per element. */
  readonly reader: (
    page: PageFetched,
    address: RecordAddress,
    signals: SignalReading,
  ) => (element: unknown, index: number) => Verdict;
  /** Narrows an element's text to the part that is kept when it is refused. */
  readonly original?: (text: string, element: JsonSpan) => JsonSpan;
}

function contextOf(
  page: PageFetched,
  address: RecordAddress,
  signals: SignalReading,
): MessageContext {
  return { tenantId: page.tenant_id, receivedTime: page.received_time, address, signals };
}

/** avl_evts: `{i: item id, t: m|u|d, d}`; negative ids are service events (1.5 of the fact sheet). */
function readEvent(element: unknown, index: number, context: MessageContext): Verdict {
  if (!isObject(element)) {
    return reject('EVENT_MALFORMED', [violation('', 'an event object', element)]);
  }
  const item = element['i'];
  if (typeof item !== 'number' || !Number.isSafeInteger(item)) {
    return reject('UNIT_UNKNOWN', [violation('i', 'an item id', item)]);
  }
  const type = element['t'];
  if (item <= 0 || type === 'u' || type === 'd' || type === 'del_msg') return skip('other_event');
  if (type !== 'm') {
    return reject('EVENT_MALFORMED', [violation('t', 'm, u or d', type)], wialonUnit(item));
  }
  return readMessage(element['d'], wialonUnit(item), index, context);
}

const avlEvents: PageAdapter = {
  name: 'wialon/avl_evts',
  version: 1,
  calls: ['avl_evts'],
  member: 'events',
  reader: (page, address, signals) => {
    const context = contextOf(page, address, signals);
    return (element, index) => readEvent(element, index, context);
  },
  // The message alone, so that it is the same element as in a re-read interval.
  original: (text, element) => jsonMember(text, 'd', element.start) ?? element,
};

const messages: PageAdapter = {
  name: 'wialon/messages',
  version: 1,
  calls: ['messages/get_messages', 'messages/load_interval'],
  member: 'messages',
  reader: (page, address, signals) => {
    const context = contextOf(page, address, signals);
    const { unit } = page;
    return (element, index) =>
      unit === null
        ? reject('UNIT_UNKNOWN', [violation('unit', 'a page that names its unit', null)])
        : readMessage(element, unit, index, context);
  },
};

const items: PageAdapter = {
  name: 'wialon/search_items',
  version: 1,
  calls: ['core/search_items'],
  member: 'items',
  reader: (page) => (element) => readItem(element, page),
};

const zones: PageAdapter = {
  name: 'wialon/zone_data',
  version: 1,
  calls: ['resource/get_zone_data'],
  member: null,
  reader: (page) => (element) => readZone(element, page),
};

/** Newest version of every adapter of provider answers. */
export const pageAdapters: readonly PageAdapter[] = [avlEvents, messages, items, zones];

/** Newest version of every adapter of pushed bodies; the first that recognises a body reads it. */
export const webhookAdapters: readonly WebhookAdapter[] = [
  ipsAdapter,
  cloudEventsAdapter,
  waybillAdapter,
  traccarAdapter,
  samsaraIncidentAdapter,
  samsaraAdapter,
  geotabAdapter,
  flespiAdapter,
  wialonAdapter,
];
