import type { DriverBindingInterval, DriverBound, PageFetched } from '@waybill/contracts';
import { isObject, parseJson } from './json.ts';
import { wialonUnit } from './wialon-items.ts';

/** Item class of avl_resource. */
const RESOURCE_CLASS = 3;

/** A driver within its resource, as everything behind this package writes it. */
function driverId(resource: number | string, driver: string): string {
  return `wialon:${resource}_${driver}`;
}

/** Codes of the drivers in a listing of resources (`drvrs`, fact sheet 7.1), by driver id. */
export function readDriverCodes(page: PageFetched): ReadonlyMap<string, string> {
  const codes = new Map<string, string>();
  if (page.call !== 'core/search_items') return codes;
  const body = parseJson(page.body.toString('utf8'))?.value;
  const items = isObject(body) ? body['items'] : undefined;
  for (const item of Array.isArray(items) ? (items as readonly unknown[]) : []) {
    if (!isObject(item) || item['cls'] !== RESOURCE_CLASS || !isObject(item['drvrs'])) continue;
    const { id, drvrs } = item;
    if (typeof id !== 'number') continue;
    for (const [driver, fields] of Object.entries(drvrs)) {
      const code = isObject(fields) ? fields['c'] : undefined;
      if (typeof code === 'string' && code !== '') codes.set(driverId(id, driver), code);
    }
  }
  return codes;
}

interface Mark {
  readonly timeMs: number;
  /** 0 = bound to no unit. */
  readonly unit: number;
}

function marksOf(value: unknown): readonly Mark[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly unknown[])
    .flatMap((mark) => {
      const [t, u] = isObject(mark) ? [mark['t'], mark['u']] : [];
      const isMark = Number.isSafeInteger(t) && Number.isSafeInteger(u) && Number(t) > 0;
      return isMark ? [{ timeMs: Number(t) * 1000, unit: Number(u) }] : [];
    })
    .toSorted((a, b) => a.timeMs - b.timeMs);
}

/**
 * All bindings in an answer of resource/get_driver_bindings (fact sheet 13), by unit:
 * `{"<driver>": [{t, u}]}`, where a driver stays with a unit until its next mark and u 0 means none.
 * Undefined when the body has another shape.
 */
export function readBindings(
  page: PageFetched,
  codeOf: (driver: string) => string | null,
): readonly DriverBound[] | undefined {
  const body = parseJson(page.body.toString('utf8'))?.value;
  const asked = parseJson(page.parameters)?.value;
  const resource = isObject(asked) ? asked['resourceId'] : undefined;
  if (!isObject(body) || typeof resource !== 'number') return undefined;
  const byUnit = new Map<string, DriverBindingInterval[]>();
  for (const [driver, value] of Object.entries(body)) {
    const id = driverId(resource, driver);
    const marks = marksOf(value);
    for (const [index, { timeMs, unit }] of marks.entries()) {
      if (unit <= 0) continue;
      const name = wialonUnit(unit);
      const interval = {
        valid_from_time: timeMs,
        valid_to_time: marks[index + 1]?.timeMs ?? null,
        driver_id: id,
        driver_code: codeOf(id),
      };
      byUnit.set(name, [...(byUnit.get(name) ?? []), interval]);
    }
  }
  return [...byUnit].map(([unit, intervals]) => ({
    tenant_id: page.tenant_id,
    unit,
    event_time: page.received_time,
    revision: page.received_time,
    intervals: intervals.toSorted(
      (a, b) =>
        (a.valid_from_time ?? 0) - (b.valid_from_time ?? 0) ||
        a.driver_id.localeCompare(b.driver_id),
    ),
  }));
}
