import { createPostgresErp, type ErpAdapter, type PostgresErpOptions } from '@waybill/erp';
import { resolveSecret, type SecretStores } from '@waybill/runtime';
import type { TenantModel } from '@waybill/tenant';
import type { Ports } from '../ports.ts';

/** Asks an ERP something; a connection per question, because questions are rare. */
async function asking<T>(
  model: TenantModel,
  secrets: SecretStores,
  options: Pick<PostgresErpOptions, 'mappings' | 'driverPlan'>,
  ask: (erp: ErpAdapter) => Promise<T>,
): Promise<T> {
  const erp = createPostgresErp({
    ...options,
    url: await resolveSecret(model.erp.url, secrets),
    zone: model.company.zone,
    applicationName: 'waybill console',
    maxConnections: 1,
  });
  try {
    return await ask(erp);
  } finally {
    await erp.close();
  }
}

/** Reads single records of tenants' ERPs. */
export function createErpLookup(secrets: SecretStores): Ports['lookupErp'] {
  return (model, entity, key) => {
    const mappings = model.mappings.filter((mapping) => mapping.entity === entity);
    return asking(model, secrets, { mappings }, (erp) => erp.lookup(entity, key));
  };
}

/** Reads whom tenants' ERPs plan. */
export function createPlanReader(secrets: SecretStores): Ports['readPlan'] {
  return (model) => {
    const { driver_plan: driverPlan } = model.erp;
    return asking(model, secrets, { mappings: [], driverPlan }, (erp) => erp.plannedDrivers());
  };
}
