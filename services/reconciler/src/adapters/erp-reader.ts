import { createPostgresErp } from '@waybill/erp';
import { resolveSecret, type SecretStores } from '@waybill/runtime';
import type { TenantModel } from '@waybill/tenant';
import type { ErpReader } from '../ports.ts';

function ownedByErp(model: TenantModel, entity: string): ReadonlySet<string> {
  const rules = model.ownership.filter((rule) => rule.entity === entity && rule.owner === 'erp');
  return new Set(rules.map(({ field }) => field));
}

/** Opens a tenant's ERP for reading. Fields that the ERP owns are not compared. */
export async function connectErp(model: TenantModel, secrets: SecretStores): Promise<ErpReader> {
  const erp = createPostgresErp({
    url: await resolveSecret(model.erp.url, secrets),
    zone: model.company.zone,
    mappings: model.mappings,
    ownedByErp: Object.fromEntries(
      model.mappings.map(({ entity }) => [entity, ownedByErp(model, entity)]),
    ),
    applicationName: 'waybill reconciler',
    maxConnections: 1,
  });
  return { records: (entity) => erp.digest(entity), close: () => erp.close() };
}
