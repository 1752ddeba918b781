import {
  topics,
  type IdMapped,
  type MappedEntity,
  type Message,
  type TenantConfigured,
} from '@waybill/contracts';
import { toFault } from '@waybill/fault';
import { readTenant, type TenantModel } from '@waybill/tenant';
import type { Topic } from '@waybill/contracts';
import { erpIdAt, type Resolve } from './core/resolve-id.ts';
import type { Ports } from './ports.ts';

/** The tables that the comparison needs: applied tenants and the id map, as last published. */
export interface Tenants {
  readonly model: (tenant: string) => TenantModel | undefined;
  readonly resolver: (tenant: string) => Resolve;
  /** Takes a table record; a tenant document that is not valid leaves the last good one. */
  readonly onTable: (topic: Topic, key: string, message: Message | null) => Promise<void>;
}

export function createTenants(logger: Ports['logger']): Tenants {
  const models = new Map<string, TenantModel>();
  const ids = new Map<string, IdMapped>();
  const idKey = (tenant: string, entity: MappedEntity, id: string): string =>
    `${tenant}/${entity}/${id}`;
  const configure = (key: string, message: Message | null): void => {
    if (message === null) {
      models.delete(key);
      return;
    }
    const value = message.value as TenantConfigured;
    try {
      models.set(value.tenant_id, readTenant(value));
    } catch (error) {
      const { code, message: text } = toFault(error, 'decode');
      logger.warn(
        { tenant_id: value.tenant_id, version: value.version, code, message: text },
        'tenant.refused',
      );
    }
  };
  return {
    model: (tenant) => models.get(tenant),
    resolver: (tenant) => (entity, id, at) => erpIdAt(ids.get(idKey(tenant, entity, id)), at),
    onTable: async (topic, key, message) => {
      if (topic.name === topics.tenantConfig.name) configure(key, message);
      else if (message === null) ids.delete(key);
      else {
        const value = message.value as IdMapped;
        ids.set(idKey(value.tenant_id, value.entity, value.telematics_id), value);
      }
    },
  };
}
