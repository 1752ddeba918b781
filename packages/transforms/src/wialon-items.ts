import { topics, type AssetDescribed, type PageFetched } from '@waybill/contracts';
import { taskKey } from '@waybill/domain';
import { isObject, violation } from './json.ts';
import { reject, skip, type Verdict } from './transformed.ts';
import { readSettings } from './wialon-settings.ts';

const contract = topics.asset.contracts.AssetDescribed;

/** Item class of avl_unit. */
const UNIT_CLASS = 2;

/** Id of a provider's unit as everything behind this package writes it. */
export function wialonUnit(id: number): string {
  return `wialon:${id}`;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** `pflds` is {"<id>": {id, n: name, v: value}}. */
function profileField(item: Readonly<Record<string, unknown>>, name: string): string | null {
  const fields = item['pflds'];
  if (!isObject(fields)) return null;
  for (const field of Object.values(fields)) {
    if (isObject(field) && field['n'] === name) return textOrNull(field['v']);
  }
  return null;
}

/**
 * One item of core/search_items. Units become AssetDescribed with one open interval, which the transformer
 * joins to what is known. Other classes, such as the resources that hold zones, are skipped.
 */
export function readItem(item: unknown, page: PageFetched): Verdict {
  if (!isObject(item)) return reject('ITEM_MALFORMED', [violation('', 'an item object', item)]);
  const type = item['cls'];
  if (typeof type !== 'number') {
    return reject('ITEM_MALFORMED', [violation('cls', 'an item class', type)]);
  }
  if (type !== UNIT_CLASS) return skip('other_item');
  const id = item['id'];
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id <= 0) {
    return reject('UNIT_UNKNOWN', [violation('id', 'a unit id', id)]);
  }
  const unit = wialonUnit(id);
  const value: AssetDescribed = {
    tenant_id: page.tenant_id,
    unit,
    event_time: page.provider_now_time ?? page.received_time,
    revision: page.received_time,
    intervals: [
      {
        valid_from_time: null,
        valid_to_time: null,
        name: textOrNull(item['nm']) ?? unit,
        device_id: textOrNull(item['uid']),
        vin: profileField(item, 'vin'),
        registration_plate: profileField(item, 'registration_plate'),
        ...readSettings(item),
      },
    ],
  };
  const broken = contract.violations(value);
  if (broken.length > 0) return reject('CONTRACT_VIOLATED', broken, unit);
  return {
    kind: 'event',
    event: { contract: 'AssetDescribed', key: taskKey(page.tenant_id, unit), value },
  };
}
