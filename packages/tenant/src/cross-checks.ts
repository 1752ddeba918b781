import { eventOfEntity, MAPPED_ENTITIES } from './delivered.ts';
import { ipsProblems } from './ips-checks.ts';
import { mappingProblems } from './mapping-checks.ts';
import { nearest } from './nearest.ts';
import type { ErpMapping, TenantModel } from './model.ts';
import type { ModelPath, ModelProblem } from './problem.ts';
import { repeated } from './repeated.ts';
import { webhookProblems } from './webhook-checks.ts';

/** True for a zone of the IANA database (offsets such as +05:00 are no zones: they know no summer time). */
export function isZone(zone: string): boolean {
  if (/^[+-]/.test(zone)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

function zoneProblems({ company }: TenantModel): ModelProblem[] {
  if (isZone(company.zone)) return [];
  const near = nearest(company.zone, Intl.supportedValuesOf('timeZone'));
  return [
    {
      path: ['company', 'zone'],
      what: `expected an IANA time zone, found "${company.zone}"`,
      fix: near === undefined ? 'write one such as America/New_York' : `did you mean ${near}?`,
    },
  ];
}

function sourceProblems({ sources, events }: TenantModel): ModelProblem[] {
  const problems: ModelProblem[] = [];
  for (const [index] of repeated(sources, (source) => source.source_id)) {
    problems.push({
      path: ['sources', index, 'source_id'],
      what: `source ${sources[index]?.source_id} is declared twice`,
      fix: 'give each source its own source_id',
    });
  }
  const kinds = new Set(sources.map((source) => source.kind));
  if (events.trip_status === 'provider' && !kinds.has('webhook')) {
    problems.push({
      path: ['events', 'trip_status'],
      what: 'trip_status comes by webhook, and no source is of kind webhook',
      fix: 'add a webhook source or set trip_status: off',
    });
  }
  const detected = [
    'trip',
    'site_visit',
    'geofence',
    'idle',
    'fuel_level',
    'odometer',
    'service_due',
    'shift',
  ] as const;
  for (const event of detected) {
    if (events[event] === 'detected' && !kinds.has('wialon')) {
      problems.push({
        path: ['events', event],
        what: `${event} is detected from positions, and no source delivers positions`,
        fix: `add a wialon source or set ${event}: off`,
      });
    }
  }
  if (events.shift === 'detected' && events.trip !== 'detected') {
    problems.push({
      path: ['events', 'shift'],
      what: 'shifts are made of trips, and trips are not detected',
      fix: 'set trip: detected or shift: off',
    });
  }
  return problems;
}

function planProblems({ detection, erp }: TenantModel): ModelProblem[] {
  if (!detection.use_planned_drivers || erp.driver_plan !== undefined) return [];
  return [
    {
      path: ['detection', 'use_planned_drivers'],
      what: 'planned drivers are wanted, and nothing says where the ERP plans them',
      fix: 'add erp.driver_plan or set use_planned_drivers: false',
    },
  ];
}

function mappingSetProblems(
  { mappings, events }: TenantModel,
  broken: ReadonlySet<string>,
): ModelProblem[] {
  const problems: ModelProblem[] = [];
  for (const [index] of repeated(mappings, (mapping) => mapping.entity)) {
    problems.push({
      path: ['mappings', index, 'entity'],
      what: `${mappings[index]?.entity} has two mappings`,
      fix: 'keep one file per entity',
    });
  }
  for (const entity of MAPPED_ENTITIES) {
    const event = eventOfEntity[entity];
    if (events[event] === 'off' || broken.has(entity)) continue;
    if (mappings.some((mapping) => mapping.entity === entity)) continue;
    problems.push({
      path: ['events', event],
      what: `${event} is wanted, and no mapping says how ${entity} stands in the ERP`,
      fix: `add erp/${entity}.yaml or set ${event}: off`,
    });
  }
  return problems;
}

/** What the mapping writes, as (deliverable field, place). Keys of `update` only find the row. */
function writes(mapping: ErpMapping): [string, ModelPath][] {
  const written = (columns: ErpMapping['columns'], path: ModelPath): [string, ModelPath][] =>
    Object.entries(columns).map(([column, { from }]) => [from, [...path, column]]);
  return [
    ...(mapping.mode === 'upsert' ? written(mapping.key, ['key']) : []),
    ...written(mapping.columns, ['columns']),
    ...written(mapping.amendment?.columns ?? {}, ['amendment', 'columns']),
  ];
}

function ownershipProblems({ ownership, mappings }: TenantModel): ModelProblem[] {
  const problems: ModelProblem[] = [];
  for (const [index, before] of repeated(ownership, (rule) => `${rule.entity}.${rule.field}`)) {
    const rule = ownership[index];
    problems.push({
      path: ['ownership', index],
      what: `${rule?.entity}.${rule?.field} has two owners (also rule ${before + 1})`,
      fix: 'keep one line per field',
    });
  }
  const ofErp = new Set(
    ownership.filter((rule) => rule.owner === 'erp').map((rule) => `${rule.entity}.${rule.field}`),
  );
  for (const [index, mapping] of mappings.entries()) {
    for (const [field, path] of writes(mapping)) {
      if (!ofErp.has(`${mapping.entity}.${field}`)) continue;
      problems.push({
        path: ['mappings', index, ...path],
        what: `${mapping.entity}.${field} belongs to the ERP (ownership.csv) and may not be written`,
        fix: 'remove the column, or give the field to telematics in ownership.csv',
      });
    }
  }
  return problems;
}

/**
 * Everything that one value's type cannot say: rules between the parts of a model. `broken` names
 * entities whose mapping is there but unreadable: they are not reported as missing.
 */
export function crossChecks(
  model: TenantModel,
  broken: ReadonlySet<string> = new Set(),
): ModelProblem[] {
  return [
    ...zoneProblems(model),
    ...planProblems(model),
    ...sourceProblems(model),
    ...webhookProblems(model),
    ...ipsProblems(model),
    ...mappingSetProblems(model, broken),
    ...model.mappings.flatMap(mappingProblems),
    ...ownershipProblems(model),
  ];
}
