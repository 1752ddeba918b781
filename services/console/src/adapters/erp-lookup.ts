import { createPostgresErp } from '@waybill/erp';
import { resolveSecret, type SecretStores } from '@waybill/runtime';
import type { Ports } from '../ports.ts';

/** Reads single records of tenants' ERPs; a connection per question, because questions are rare. */
export function createErpLookup(secrets: SecretStores): Ports['lookupErp'] {
  return async (model, entity, key) => {
    const erp = createPostgresErp({
      url: await resolveSecret(model.erp.url, secrets),
      zone: model.company.zone,
      mappings: model.mappings.filter((mapping) => mapping.entity === entity),
      applicationName: 'waybill console',
      maxConnections: 1,
    });
    try {
      return await erp.lookup(entity, key);
    } finally {
      await erp.close();
    }
  };
}
