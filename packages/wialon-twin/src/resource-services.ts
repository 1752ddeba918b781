import { visibleItem } from './core-services.ts';
import { ApiError, errorCode, has, integer, numbers } from './params.ts';
import type { Call, Services } from './service.ts';
import { zoneData } from './zones.ts';

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

/** The recordings name no drivers, so nobody was ever bound to a unit. */
function getDriverBindings(call: Call): string {
  resourceOf(call, 'resourceId');
  return '{}';
}

/** resource/*: geofences and driver bindings. */
export const resourceServices: Services = {
  'resource/get_zone_data': { run: getZoneData },
  'resource/get_driver_bindings': { heavy: true, sharesLoader: true, run: getDriverBindings },
};
