import { visibleItem } from './core-services.ts';
import { notificationData } from './equipment/notifications.ts';
import { ApiError, errorCode, has, integer, numbers, object } from './params.ts';
import type { Call, Services } from './service.ts';
import { contains, zoneData } from './zones.ts';

/** Boundary, points and base fields: what the provider answers when no flags are asked. */
const DEFAULT_ZONE_FLAGS = 0x1c;

function resourceOf(call: Call, name: string): number {
  const item = visibleItem(call, name);
  if (item.type !== 'avl_resource') throw new ApiError(errorCode.accessDenied);
  return item.id;
}

function getZoneData(call: Call): string {
  const { account, params } = call;
  const resource = resourceOf(call, 'itemId');
  const wanted = numbers(params, 'col');
  const flags = has(params, 'flags') ? integer(params, 'flags') : DEFAULT_ZONE_FLAGS;
  const zones = account.zones.filter(({ id }) => wanted === undefined || wanted.includes(id));
  return JSON.stringify(zones.map((zone) => zoneData(zone, resource, flags)));
}

/** Who was bound to which unit, by driver id; u 0 = unbound. 0 as unit or driver means all. */
function getDriverBindings(call: Call): string {
  const { params, account, now } = call;
  resourceOf(call, 'resourceId');
  const [unit, driver] = [integer(params, 'unitId'), integer(params, 'driverId')];
  const [from, to] = [integer(params, 'timeFrom'), integer(params, 'timeTo')];
  const chosen = account.equipment.drivers.filter(({ id }) => driver === 0 || id === driver);
  const found = chosen.flatMap((one) => {
    const all = account.equipment.bindings(one, now);
    // An unbinding names no unit: it belongs to the binding before it.
    const own = all.filter(({ u }, index) => unit === 0 || (u || all[index - 1]?.u) === unit);
    const within = own.filter(({ t }) => t >= from && (to === 0 || t <= to));
    return within.length === 0 ? [] : [[one.id, within] as const];
  });
  return JSON.stringify(Object.fromEntries(found));
}

/** The drivers of a unit now, by resource. */
function getUnitDrivers(call: Call): string {
  const { account, now } = call;
  const unit = visibleItem(call, 'unitId');
  const own = account.equipment.drivers.filter(
    (driver) => account.equipment.bindings(driver, now).at(-1)?.u === unit.id,
  );
  const { resource_id: resource } = account.store.account;
  return JSON.stringify(
    own.length === 0 ? {} : { [resource]: own.map(({ id, name }) => ({ id, nm: name, ph: '' })) },
  );
}

function getNotificationData(call: Call): string {
  const { account, params } = call;
  resourceOf(call, 'itemId');
  const wanted = numbers(params, 'col');
  const units = [...account.store.units.values()];
  return JSON.stringify(
    account.notifications
      .filter(({ id }) => wanted === undefined || wanted.includes(id))
      .map((one) => notificationData(one, units, account.pushUrl)),
  );
}

/** Zones around a place, by resource: those that contain it. A radius is not looked at. */
function getZonesByPoint({ account, params }: Call): string {
  const spec = object(params['spec']);
  const [lat, lon] = [Number(spec['lat']), Number(spec['lon'])];
  if (!Number.isFinite(lat) || !Number.isFinite(lon)) throw new ApiError(errorCode.invalidInput);
  const inside = account.zones.filter((zone) => contains(zone, lat, lon)).map(({ id }) => id);
  const { resource_id: resource } = account.store.account;
  return JSON.stringify(inside.length === 0 ? {} : { [resource]: inside });
}

/** resource/*: geofences, drivers and notifications. */
export const resourceServices: Services = {
  'resource/get_zone_data': { run: getZoneData },
  'resource/get_zones_by_point': { run: getZonesByPoint },
  'resource/get_unit_drivers': { run: getUnitDrivers },
  'resource/get_notification_data': { run: getNotificationData },
  'resource/get_driver_bindings': { heavy: true, sharesLoader: true, run: getDriverBindings },
};
