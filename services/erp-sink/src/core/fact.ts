import { businessDate } from '@waybill/domain';
import { shapes, type Entity, type Facts, type Plain, type Shape } from './shapes.ts';

/** An event that the sink delivers, with the entity that it is about. */
export type Fact = {
  [E in Entity]: { readonly entity: E; readonly value: Facts[E] };
}[Entity];

/** Ids of the ERP, resolved as of the event's time. */
export interface ResolvedIds {
  readonly vehicleId: string | null;
  readonly siteId: string | null;
  readonly driverId: string | null;
}

/** Deliverable fields; instants (ms since epoch) stand apart, because a mapping treats them apart. */
export interface Deliverable {
  readonly plain: Plain;
  readonly instants: Readonly<Record<string, number | null>>;
}

/** The value may be read by the shape of its own entity, and the entity says which that is. */
function shapeOf({ entity }: Fact): Shape<Fact['value']> {
  return shapes[entity] as unknown as Shape<Fact['value']>;
}

const entityOfContract = new Map(
  Object.entries(shapes).map(([entity, { contract }]) => [contract, entity]),
);

/** The fact that a contract carries, or undefined for a contract that is not delivered. */
export function factOf(contract: string, value: unknown): Fact | undefined {
  const entity = entityOfContract.get(contract);
  // The contract's name says what the value was decoded with.
  return entity === undefined ? undefined : ({ entity, value } as Fact);
}

function pick<V>(value: V, names: readonly (keyof V)[]): Record<string, V[keyof V]> {
  return Object.fromEntries(names.map((name) => [name, value[name]]));
}

/** Stable id of the entity, the key of its ERP row. */
export function entityIdOf(fact: Fact): string {
  return shapeOf(fact).id(fact.value);
}

/** Unit of the fact; null for a driver's shift and for an order without one. */
export function unitOf({ value }: Fact): string | null {
  return 'unit' in value ? value.unit : null;
}

/** Ids that the ERP must know before what names them can be written, as `<entity>/<telematics id>`. */
export function refsOf(fact: Fact): readonly string[] {
  return shapeOf(fact).refs(fact.value);
}

/** Local date on which the fact counts: of a trip its end, of a visit its entry; null for orders. */
export function businessDateOf(fact: Fact, zone: string): string | null {
  const day = shapeOf(fact).date?.(fact.value) ?? null;
  return typeof day === 'number' ? businessDate(day, zone) : day;
}

/** The fields that mappings may name, with ids and business date of the company. */
export function deliverableOf(fact: Fact, ids: ResolvedIds, zone: string): Deliverable {
  const { plain, instants, more } = shapeOf(fact);
  const { value } = fact;
  return {
    plain: {
      entity_id: entityIdOf(fact),
      event_id: value.event_id,
      unit: unitOf(fact),
      vehicle_id: ids.vehicleId,
      site_id: ids.siteId,
      driver_id: ids.driverId,
      business_date: businessDateOf(fact, zone),
      // The shapes name fields of these types only.
      ...(pick(value, plain) as Plain),
      ...more?.(value),
    },
    instants: pick(value, instants) as Deliverable['instants'],
  };
}
