import type { Message, TenantConfigured } from '@waybill/contracts';
import { toFault } from '@waybill/fault';
import { readTenant, type TenantModel } from '@waybill/tenant';
import type { SinkLogger } from './ports.ts';

/** The applied tenant files; a refused version leaves the last good one active. */
export interface Tenants {
  readonly get: (tenantId: string) => TenantModel | undefined;
  readonly all: () => Iterable<TenantModel>;
  /** Takes a record of the table; returns the model when it is a new good one. */
  readonly configure: (key: string, message: Message | null) => TenantModel | undefined;
}

export function createTenants(logger: SinkLogger): Tenants {
  const models = new Map<string, TenantModel>();
  return {
    get: (tenantId) => models.get(tenantId),
    all: () => models.values(),
    configure: (key, message) => {
      if (message === null) {
        models.delete(key);
        return undefined;
      }
      // The table has one contract.
      const value = message.value as TenantConfigured;
      try {
        const model = readTenant(value);
        models.set(model.tenant_id, model);
        return model;
      } catch (error) {
        const { code, message: detail } = toFault(error, 'decode');
        logger.error(
          { tenant_id: value.tenant_id, version: value.version, code, detail },
          'tenant.refused',
        );
        return undefined;
      }
    },
  };
}
