import type { EventForComparison } from '@waybill/ledger';
import { isDelivered, type TenantModel } from '@waybill/tenant';
import { compare, type Comparison, type Drift, type Gap, type Orphan } from './core/compare.ts';
import type { Resolve } from './core/resolve-id.ts';
import { toleranceOf } from './core/tolerance.ts';
import type { ErpReader, Ports } from './ports.ts';

/** Most findings of a kind that an answer lists; the counts are always complete. */
const LISTED = 1000;

export interface Reconciliation {
  readonly tenant_id: string;
  /** Wall time of the comparison, ms since epoch. */
  readonly compared_time: number;
  readonly entities: readonly {
    readonly entity: string;
    readonly events: number;
    readonly rows: number;
    readonly gaps: number;
    readonly drift: number;
    readonly orphans: number;
  }[];
  /** In the event log and not in the ERP. */
  readonly gaps: readonly Gap[];
  /** In both, with different values. */
  readonly drift: readonly Drift[];
  /** In the ERP with our triple, and not in the event log. */
  readonly orphans: readonly Orphan[];
}

type Mapping = TenantModel['mappings'][number];

/** Fields that an amendment replaces or sums, by the name that they have in the fact. */
function amendableFields({ amendment }: Mapping): ReadonlySet<string> {
  const fields = Object.values(amendment?.columns ?? {}).map(({ from }) => from);
  return new Set(
    fields.map((field) => (field === 'original_business_date' ? 'business_date' : field)),
  );
}

async function compareEntity(
  model: TenantModel,
  mapping: Mapping,
  erp: ErpReader,
  resolve: Resolve,
  ports: Ports,
): Promise<Comparison> {
  const { entity } = mapping;
  // Events first: what is delivered while we read stands in the ERP for an older event at worst.
  const events: EventForComparison[] = [];
  for await (const page of ports.ledger.events(model.tenant_id, entity)) events.push(...page);
  const records = await erp.records(entity);
  return compare(events, records, {
    entity,
    zone: model.company.zone,
    resolve,
    tolerance: toleranceOf(model.ownership, entity),
    amendable: amendableFields(mapping),
  });
}

/** Compares the event log of a tenant with its ERP, now. Reads only. */
export async function reconcile(
  model: TenantModel,
  resolve: Resolve,
  ports: Ports,
): Promise<Reconciliation> {
  const compared_time = ports.now();
  const erp = await ports.connectErp(model);
  try {
    const results: [string, Comparison][] = [];
    for (const mapping of model.mappings.filter(({ entity }) => isDelivered(model, entity))) {
      results.push([mapping.entity, await compareEntity(model, mapping, erp, resolve, ports)]);
    }
    const entities = results.map(([entity, { events, rows, gaps, drift, orphans }]) => ({
      entity,
      events,
      rows,
      gaps: gaps.length,
      drift: drift.length,
      orphans: orphans.length,
    }));
    for (const result of entities) ports.metrics.compared(result);
    const all = results.map(([, comparison]) => comparison);
    return {
      tenant_id: model.tenant_id,
      compared_time,
      entities,
      gaps: all.flatMap(({ gaps }) => gaps).slice(0, LISTED),
      drift: all.flatMap(({ drift }) => drift).slice(0, LISTED),
      orphans: all.flatMap(({ orphans }) => orphans).slice(0, LISTED),
    };
  } finally {
    await erp.close();
  }
}
