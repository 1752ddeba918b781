import type { TenantConfigured } from '@waybill/contracts';
import { tenantModel, toDocument, type TenantModel } from '@waybill/tenant';

/**
 * A tenant as its files give it, with the defaults of the model: one Wialon source, a PostgreSQL ERP, no
 * event switched on, nothing mapped. `change` replaces whole parts of it.
 */
export function sampleTenant(change: Partial<TenantModel> = {}): TenantModel {
  const model = tenantModel.parse({
    tenant_id: 'hudson-waste',
    company: {
      company_id: 'hudson-waste',
      name: 'Hudson Waste',
      zone: 'America/New_York',
      currency: 'USD',
      grace_hours: 6,
    },
    sources: [
      {
        source_id: 'wialon',
        kind: 'wialon',
        account: 'hudson-waste',
        url: 'http://127.0.0.1:8180',
        tokens: ['secret://files/hudson-waste#token'],
        read_from: '2015-12-09T21:39:00Z',
      },
    ],
    events: { trip: 'off', site_visit: 'off', trip_status: 'off' },
    detection: { movement_source: 'position' },
    erp: { target: 'erp', adapter: 'postgres', url: 'secret://files/hudson-waste#erp_url' },
    ownership: [],
    mappings: [],
  });
  return { ...model, ...change };
}

/** A tenant as the console publishes it; `change` replaces what its message says about the document. */
export function configured(
  model: TenantModel,
  change: Partial<TenantConfigured> = {},
): TenantConfigured {
  const { document, sha256 } = toDocument(model);
  return {
    tenant_id: model.tenant_id,
    version: 1,
    applied_time: 1,
    applied_by: 'test',
    document_sha256: sha256,
    document,
    ...change,
  };
}
