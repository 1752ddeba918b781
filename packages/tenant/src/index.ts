export { checkModel } from './check-model.ts';
export { deliverableFields, type FieldKind } from './deliverable-fields.ts';
export { isDelivered, namedFields } from './delivered.ts';
export { readTenant, toDocument, type TenantDocument } from './document.ts';
export { mappedEntities, overlapOf, sortIntervals, type IdMapEntry } from './id-map.ts';
export type { IpsSource } from './ips-source.ts';
export { loadTenant, type LoadedTenant } from './load-tenant.ts';
export {
  erpMapping,
  tenantModel,
  type Company,
  type Detection,
  type ErpMapping,
  type TenantModel,
} from './model.ts';
export { problemsOf, problemText, type TenantProblem } from './problem.ts';
export { secretReference } from './reference.ts';
export type { TokenIssuer, WebhookSource } from './webhook-source.ts';
export type { RateLimit } from './rate-limit.ts';
export type { WialonLimits, WialonSource } from './wialon-source.ts';
export {
  DIRTY_HOURS_PER_HOUR,
  DISCOVERY_S,
  HEARTBEAT_S,
  planWialon,
  progressSources,
  wialonNeeds,
  type PlannedCall,
  type WialonNeed,
  type WialonPlan,
} from './wialon-plan.ts';
