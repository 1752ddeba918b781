import { createPostgresErp } from '@waybill/erp';
import { resolveSecret } from '@waybill/runtime';
import type { Ports } from '../ports.ts';

/** Reads single records of tenants' ERPs; a connection per question, because questions are rare. */
export function createErpLookup(secretsDir: string | undefined): Ports['lookupErp'] {
  return async (model, entity, key) => {
    const erp = createPostgresErp({
      url: await resolveSecret(model.erp.url, secretsDir),
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
