import type { TwinAccount } from '../items.ts';
import { templates } from '../reports/tables.ts';
import { ControlError, required } from './fields.ts';

const SENSORS_FLAG = 0x1000;
const ZONES_FLAG = 0x1000;
const REPORTS_FLAG = 0x2000;
const COUNTERS_FLAG = 0x2000;
const BASE_FLAG = 0x1;
const ACCESS_EVENT = -5;

/** Replaces the fuel sensor of a unit: another id, name and calibration. */
export function changeSensors({ equipment, changes }: TwinAccount, unit: number): void {
  const { gone, come } = equipment.changeSensors(unit);
  if (come.length === 0) throw new ControlError('units have sensors only with full equipment');
  for (const { id } of gone) {
    changes.push({ i: unit, t: 'u', d: { sensu: [id, null] }, flag: SENSORS_FLAG });
  }
  for (const sensor of come) {
    changes.push({ i: unit, t: 'u', d: { sensu: [sensor.id, sensor] }, flag: SENSORS_FLAG });
  }
}

/** Sets a unit's mileage counter to zero. */
export function resetCounter(account: TwinAccount, unit: number, now: number): void {
  const last = account.store.last(unit, now);
  const { odometer } = last === undefined ? {} : parametersOf(last.json);
  account.equipment.resetCounter(unit, typeof odometer === 'number' ? odometer : 0);
  account.changes.push({ i: unit, t: 'u', d: { cnm: 0 }, flag: COUNTERS_FLAG });
}

function parametersOf(json: string): { readonly odometer?: unknown } {
  const message = JSON.parse(json) as { readonly p?: { readonly odometer?: unknown } } | null;
  return message?.p ?? {};
}

type Template = (typeof templates)[number];

/** The template of a report that has this column; throws when there is none. */
export function templateOf(report: string, column: string): Template {
  const template = templates.find((one) => one.name === report || one.table === report);
  if (template === undefined) {
    const known = templates.map(({ name }) => name).join(', ');
    throw new ControlError(`unknown report ${report}; there are ${known}`);
  }
  const columns = template.columns.map((one) => one.name);
  if (columns.includes(column)) return template;
  throw new ControlError(
    `report ${template.name} has no column ${column}; it has ${columns.join(', ')}`,
  );
}

/** Gives a column of a report another name. */
export function renameColumn(
  { equipment, changes, store }: TwinAccount,
  template: Template,
  column: string,
  name: string,
): void {
  equipment.renameColumn(template.name, column, name);
  const repu = [template.id, { id: template.id, n: template.name, ct: 'avl_unit' }];
  changes.push({ i: store.account.resource_id, t: 'u', d: { repu }, flag: REPORTS_FLAG });
}

/** A zone of the account; throws when there is none. */
export function zoneOf({ zones }: TwinAccount, id: number): TwinAccount['zones'][number] {
  const zone = zones.find((one) => one.id === id);
  if (zone !== undefined) return zone;
  const known = zones.map((one) => one.id).join(', ');
  throw new ControlError(`unknown zone ${id}; there ${known === '' ? 'is none' : `are ${known}`}`);
}

/** Moves a zone by about 100 m to the north. */
export function editZone(account: TwinAccount, id: number): void {
  account.zones = account.zones.map((zone) =>
    zone.id === id
      ? { ...zone, points: zone.points.map(({ x, y }) => ({ x, y: y + 0.0009 })) }
      : zone,
  );
  const { resource_id: resource } = account.store.account;
  account.changes.push({ i: resource, t: 'u', d: { zlu: [id, { id }] }, flag: ZONES_FLAG });
}

/** Takes a unit away from the account. */
export function removeUnit({ items, changes }: TwinAccount, unit: number): void {
  items.delete(unit);
  changes.push({ i: unit, t: 'd', flag: BASE_FLAG });
  changes.push({ i: ACCESS_EVENT, t: 'u', d: { r: [unit], a: [] }, flag: 0 });
}

/** Gives a unit back that was taken away. */
export function restoreUnit({ items, changes, store }: TwinAccount, unit: number): void {
  const [name] = required(
    [...store.units].find(([, id]) => id === unit),
    `unit ${unit}`,
  );
  items.set(unit, {
    id: unit,
    type: 'avl_unit',
    name,
    uniqueId: `86${String(unit).padStart(13, '0')}`,
  });
  changes.push({ i: ACCESS_EVENT, t: 'u', d: { r: [], a: [{ ids: [unit] }] }, flag: 0 });
}
