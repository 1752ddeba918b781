import type { ErpFact, FieldValue, WriteResult } from '@waybill/erp';
import { toFault, type Fault } from '@waybill/fault';
import type { InboxRow, RowResult } from '@waybill/inbox';
import { isDelivered, namedFields, type TenantModel } from '@waybill/tenant';
import { businessDateOf, deliverableOf, unitOf, type Fact, type ResolvedIds } from './core/fact.ts';
import { countWithheld, ownedByErp } from './core/ownership.ts';
import { resolveIds, type Intervals } from './core/resolve-id.ts';
import type { SinkCode } from './errors.ts';
import { configKey } from './handle-events.ts';
import { EVENT_OFF, type Attempt } from './outcome.ts';
import type { Ports } from './ports.ts';
import { isAccessFault, type Targets } from './targets.ts';
import type { Tenants } from './tenants.ts';

/** How long an order that the ERP does not have is looked for, and how often. */
const ROW_MISSING_LIMIT_MS = 6 * 3600 * 1000;
const RECHECK_MS = 60_000;

export interface DeliverParts {
  readonly ports: Pick<Ports, 'metrics' | 'tracing' | 'now'>;
  readonly tenants: Tenants;
  readonly targets: Targets;
}

function erpFact(row: InboxRow, fact: Fact, ids: ResolvedIds, zone: string): ErpFact {
  const { plain, instants } = deliverableOf(fact, ids, zone);
  const dates = Object.entries(instants).map(([field, ms]): [string, FieldValue] => [
    field,
    ms === null ? null : new Date(ms),
  ]);
  return {
    entity: fact.entity,
    eventId: row.eventId,
    entityId: row.entityId,
    retracted: fact.value.retracted,
    fields: { ...plain, ...Object.fromEntries(dates) },
  };
}

function resultOf(row: InboxRow, written: WriteResult, now: number): RowResult {
  switch (written.outcome) {
    case 'MISSING': {
      const reason: SinkCode = 'ROW_MISSING';
      if (row.parkedSince !== null && now - row.parkedSince >= ROW_MISSING_LIMIT_MS) {
        return { kind: 'manual', reason };
      }
      const key = `${row.tenantId}/${row.entity}/${row.entityId}`;
      return { kind: 'wait', key, reason, recheckMs: RECHECK_MS };
    }
    case 'MANUAL':
      return { kind: 'manual', reason: written.reason ?? 'MANUAL' };
    case 'INSERTED':
    case 'UPDATED':
    case 'UNCHANGED':
    case 'AMENDED':
    case 'RETRACTED':
    case 'SUPERSEDED':
      return {
        kind: 'done',
        outcome: written.outcome,
        erpTable: written.table,
        erpKey: written.key,
        vehicleId: null,
        businessDate: null,
      };
  }
}

/** The one switch on what went wrong; a bug ends the process. */
function failed(row: InboxRow, fault: Fault): RowResult {
  switch (fault.kind) {
    case 'transient':
      return { kind: 'retry', fault };
    case 'refused':
    case 'malformed':
      return { kind: 'dead', fault };
    case 'unmapped':
      return {
        kind: 'wait',
        key: `${row.tenantId}/${row.entity}/${row.entityId}`,
        reason: fault.code,
        recheckMs: RECHECK_MS,
      };
    case 'misconfigured':
      return isAccessFault(fault) ? { kind: 'target_down', fault } : { kind: 'pause', fault };
    case 'cancelled':
    case 'bug':
      throw fault;
  }
}

async function write(
  parts: DeliverParts,
  row: InboxRow,
  model: TenantModel,
  fact: Fact,
  ids: ResolvedIds,
): Promise<WriteResult> {
  const { ports, targets } = parts;
  const mapping = model.mappings.find(({ entity }) => entity === fact.entity);
  const withheld = countWithheld(mapping?.columns ?? {}, ownedByErp(model.ownership, fact.entity));
  if (withheld > 0) ports.metrics.withheld(fact.entity, withheld);
  const attributes = { 'db.system.name': 'postgresql', 'db.collection.name': mapping?.table ?? '' };
  const { revision, activation, resolution } = row;
  return targets.use(model, ports.now(), (erp) =>
    ports.tracing.span('sql write', { attributes }, () =>
      erp.write(erpFact(row, fact, ids, model.company.zone), { revision, activation, resolution }),
    ),
  );
}

/** Nothing is written, and nothing is told: whoever does not want an event gets no outcome of it. */
const NOT_WANTED: RowResult = {
  kind: 'done',
  outcome: EVENT_OFF,
  erpTable: null,
  erpKey: null,
  vehicleId: null,
  businessDate: null,
};

type Base = Omit<Attempt, 'at' | 'result'>;

function waits(base: Base, at: number, key: string, reason: SinkCode): Attempt {
  return { ...base, at, result: { kind: 'wait', key, reason } };
}

async function attemptFact(
  parts: DeliverParts,
  row: InboxRow,
  intervals: Intervals,
  traceparent: string | undefined,
): Promise<Attempt> {
  const { now, metrics } = parts.ports;
  // The entity was taken from the message's contract when it came in.
  const fact = { entity: row.entity, value: row.message } as Fact;
  const model = parts.tenants.get(row.tenantId);
  const businessDate = model ? businessDateOf(fact, model.company.zone) : null;
  const base: Base = {
    unit: unitOf(fact),
    trace: fact.value.trace,
    changedFields: [],
    amendments: [],
    vehicleId: null,
    businessDate,
    table: null,
    traceparent,
  };
  if (model === undefined) return waits(base, now(), configKey(row.tenantId), 'TENANT_UNKNOWN');
  // Wanted when it came in, or unknown then: the tenant's file decides now.
  if (!isDelivered(model, row.entity)) return { ...base, at: now(), result: NOT_WANTED };
  const ids = resolveIds(row, intervals, namedFields(model, row.entity));
  if (typeof ids === 'string') return waits(base, now(), `${row.tenantId}/${ids}`, 'UNMAPPED');
  const { vehicleId } = ids;
  try {
    const written = await write(parts, row, model, fact, ids);
    const { changedFields, amendments, table } = written;
    const at = now();
    const result = resultOf(row, written, at);
    return {
      ...base,
      at,
      vehicleId,
      result: result.kind === 'done' ? { ...result, vehicleId, businessDate } : result,
      changedFields,
      amendments,
      table,
    };
  } catch (error) {
    const fault = toFault(error, 'deliver');
    metrics.error(fault);
    if (isAccessFault(fault)) parts.targets.forget(row.tenantId);
    return { ...base, at: now(), vehicleId, result: failed(row, fault) };
  }
}

/**
 * One attempt to deliver a row: ids as of event time → ownership → mapping → period → write. Resolves
 * with what came of it; throws only a bug or a cancellation.
 */
export async function attemptRow(
  parts: DeliverParts,
  row: InboxRow,
  intervals: Intervals,
): Promise<Attempt> {
  const attributes = { 'waybill.tenant_id': row.tenantId, 'waybill.event_id': row.eventId };
  return parts.ports.tracing.span(
    `deliver ${row.entity}`,
    { parent: row.traceparent, attributes },
    (traceparent) => attemptFact(parts, row, intervals, traceparent),
  );
}
