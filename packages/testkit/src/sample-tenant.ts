import { tenantModel, type TenantModel } from '@waybill/tenant';

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
