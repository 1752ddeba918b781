import { createPostgresErp } from '@waybill/erp';
import { resolveSecret, type SecretStores } from '@waybill/runtime';
import { ownedByErp } from '../core/ownership.ts';
import type { OpenErp } from '../ports.ts';

/** Opens ERPs as the tenant files say; the address is a secret that is read at each opening. */
export function openErp(secrets: SecretStores, maxConnections: number): OpenErp {
  return async (model) =>
    createPostgresErp({
      url: await resolveSecret(model.erp.url, secrets),
      zone: model.company.zone,
      mappings: model.mappings,
      ownedByErp: Object.fromEntries(
        model.mappings.map(({ entity }) => [entity, ownedByErp(model.ownership, entity)]),
      ),
      applicationName: 'waybill erp-sink',
      maxConnections,
    });
}
