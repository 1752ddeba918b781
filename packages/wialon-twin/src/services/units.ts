import { sensorValue } from '../equipment/sensors.ts';
import { fuelSettingsOf, tripDetectorOf } from '../equipment/settings.ts';
import { visibleItem } from '../core-services.ts';
import type { Item } from '../items.ts';
import { ApiError, errorCode, integer, numbers } from '../params.ts';
import type { Call, Services } from '../service.ts';
import { tracksOf, tripsOf, type Track } from '../trips.ts';

function unitOf(call: Call, name: string): Item {
  const unit = visibleItem(call, name);
  if (unit.type !== 'avl_unit') throw new ApiError(errorCode.accessDenied);
  return unit;
}

const end = ({ i, t, lat, lon }: Track): unknown => ({ i, t, p: { y: lat, x: lon } });

/** Trips among the messages that the session has loaded. */
function getTrips(call: Call): string {
  const { session, params } = call;
  const unit = unitOf(call, 'itemId');
  if (session.loader === undefined) throw new ApiError(errorCode.invalidInput);
  const [from, to] = [integer(params, 'timeFrom'), integer(params, 'timeTo')];
  const tracks = tracksOf(session.store, session.loader.numbers).filter(
    ({ t }) => to === 0 || (t >= from && t <= to),
  );
  const trips = tripsOf(tracks, tripDetectorOf(unit.id));
  return JSON.stringify(
    trips.map((trip) => ({ from: end(trip.from), to: end(trip.to), m: trip.metres })),
  );
}

function values(call: Call, unit: Item, parameters: Track['parameters']): Record<string, unknown> {
  const wanted = numbers(call.params, 'sensors') ?? [];
  const one = integer(call.params, 'sensorId');
  const chosen = call.account.equipment
    .sensors(unit.id)
    .filter(({ id }) => (one === 0 || id === one) && (wanted.length === 0 || wanted.includes(id)));
  return Object.fromEntries(chosen.map((sensor) => [sensor.id, sensorValue(sensor, parameters)]));
}

/** `p` of a served message; a malformed one may have anything in its place. */
function parametersOf(json: string): Track['parameters'] {
  const message = JSON.parse(json) as { readonly p?: unknown } | null;
  const p = typeof message === 'object' ? message?.p : undefined;
  return typeof p === 'object' && p !== null ? { ...p } : {};
}

function calcLastMessage(call: Call): string {
  const unit = unitOf(call, 'unitId');
  const last = call.session.store.last(unit.id, call.now);
  return JSON.stringify(values(call, unit, parametersOf(last?.json ?? '{}')));
}

function calcSensors(call: Call): string {
  const unit = unitOf(call, 'unitId');
  const { loader, store } = call.session;
  if (loader === undefined) throw new ApiError(errorCode.invalidInput);
  const [from, to] = [integer(call.params, 'indexFrom'), integer(call.params, 'indexTo')];
  const found = loader.numbers
    .slice(from, to + 1)
    .map((g) => values(call, unit, parametersOf(store.message(g).json)));
  return JSON.stringify(found);
}

/** unit/*: trips, sensors and the settings behind them. */
export const unitServices: Services = {
  'unit/get_trips': { heavy: true, sharesLoader: true, run: getTrips },
  'unit/get_trip_detector': {
    run: (call) => JSON.stringify(tripDetectorOf(unitOf(call, 'itemId').id)),
  },
  'unit/get_fuel_settings': {
    run: (call) => {
      unitOf(call, 'itemId');
      return JSON.stringify(fuelSettingsOf());
    },
  },
  'unit/calc_last_message': { run: calcLastMessage },
  'unit/calc_sensors': { run: calcSensors },
};
