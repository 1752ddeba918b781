import type { ErpMapping, TenantModel } from './model.ts';

type Entity = ErpMapping['entity'];

/** Event of the tenant's file that decides whether an entity is wanted. */
export const eventOfEntity: Readonly<Record<Entity, keyof TenantModel['events']>> = {
  trip: 'trip',
  site_visit: 'site_visit',
  transport_order: 'trip_status',
  idle: 'idle',
  fuel_level: 'fuel_level',
  odometer: 'odometer',
  work_order: 'service_due',
  shift: 'shift',
  geofence: 'geofence',
};

/** Entities whose events are there for the ERP: wanted without a mapping is a mistake. */
export const MAPPED_ENTITIES: readonly Entity[] = ['trip', 'site_visit', 'transport_order'];

/**
 * Whether events of this entity go to the ERP: the tenant wants them and, for those that may also be
 * wanted for their topic alone, a mapping says where they stand.
 */
export function isDelivered(
  { events, mappings }: Pick<TenantModel, 'events' | 'mappings'>,
  entity: string,
): boolean {
  const event = new Map(Object.entries(eventOfEntity)).get(entity);
  if (event === undefined || events[event] === 'off') return false;
  const needed: readonly string[] = MAPPED_ENTITIES;
  return needed.includes(entity) || mappings.some((mapping) => mapping.entity === entity);
}

/** Fields that the mapping of an entity takes, in its row or its amendments. */
export function namedFields(
  { mappings }: Pick<TenantModel, 'mappings'>,
  entity: string,
): ReadonlySet<string> {
  const mapping = mappings.find((candidate) => candidate.entity === entity);
  const columns = { ...mapping?.columns, ...mapping?.amendment?.columns };
  return new Set(Object.values(columns).map(({ from }) => from));
}
