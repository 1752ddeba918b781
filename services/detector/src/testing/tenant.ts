import type { TenantConfigured } from '@waybill/contracts';
import { tenantModel, type Detection, type TenantModel } from '@waybill/tenant';
import { configured } from '@waybill/testkit';

/** What a test wants different from the usual tenant. */
export interface TenantWishes {
  readonly tenantId?: string;
  readonly zone?: string;
  readonly graceHours?: number;
  readonly beyondGrace?: 'task' | 'recompute';
  readonly detection?: Partial<Detection>;
  readonly events?: Partial<TenantModel['events']>;
  /** Source ids of kind wialon; default one, `wialon`. */
  readonly pullSources?: readonly string[];
  readonly version?: number;
  readonly appliedTime?: number;
}

const triple = { revision: 'revision', activation: 'activation', resolution: 'resolution' };

function mapping(entity: 'trip' | 'site_visit'): unknown {
  const key = { id: { from: 'entity_id' } };
  const columns = { vehicle: { from: 'vehicle_id' } };
  return { entity, version: 1, table: entity, key, columns, triple, retracted: 'retracted' };
}

function source(sourceId: string): unknown {
  return {
    source_id: sourceId,
    kind: 'wialon',
    account: 'account',
    url: 'http://127.0.0.1:1',
    tokens: ['secret://files/tenant#token'],
    read_from: '2008-01-01T00:00:00Z',
  };
}

/** The rules of the references: every position counts, a crossing is the first fix behind the edge. */
const plainRule: Partial<Detection> = {
  movement_source: 'position',
  outlier_speed_kmh: 0,
  visit_confirm_silence_s: 0,
  visit_confirm_depth_m: 0,
  visit_interpolate_s: 0,
};

/** A tenant as the console publishes it: movement from positions, grace 6 h, one confirmation less than usual is a wish. */
export function tenant(wishes: TenantWishes = {}): TenantConfigured {
  const tenantId = wishes.tenantId ?? 'bay-cabs';
  const model = tenantModel.parse({
    tenant_id: tenantId,
    company: {
      company_id: tenantId,
      name: tenantId,
      zone: wishes.zone ?? 'America/Los_Angeles',
      currency: 'USD',
      grace_hours: wishes.graceHours ?? 6,
      beyond_grace: wishes.beyondGrace ?? 'task',
    },
    sources: (wishes.pullSources ?? ['wialon']).map(source),
    events: { trip: 'detected', site_visit: 'detected', trip_status: 'off', ...wishes.events },
    detection: { ...plainRule, ...wishes.detection },
    erp: {
      target: 'demo',
      adapter: 'postgres',
      url: 'secret://files/erp#url',
      driver_plan: {
        table: 'plan',
        vehicle: 'vehicle',
        driver: 'driver',
        from: 'start',
        to: 'end',
      },
    },
    ownership: [],
    mappings: [mapping('trip'), mapping('site_visit')],
  });
  return configured(model, {
    version: wishes.version ?? 1,
    applied_time: wishes.appliedTime ?? 1_000,
  });
}
