import type { MappedEntity } from '@waybill/contracts';
import { parseInstant } from '@waybill/domain';
import { toFault } from '@waybill/fault';
import type { EventTrace, LedgerDeadLetter, LedgerEvent, UnitEvidence } from '@waybill/ledger';
import type { Route } from '@waybill/runtime';
import { explain, type ErpAnswer, type ResolvedId, type Verdict } from './core/explain.ts';
import { explainMissing, type MissingReason } from './core/explain-missing.ts';
import { erpIdAt } from './core/intervals.ts';
import type { Ports } from './ports.ts';
import { malformed } from './read-request.ts';

/** Most events that are followed in full; an order has a handful of statuses. */
const TRACED = 10;

/** One event from the API call to the ERP row. */
export interface ExplainedEvent extends EventTrace {
  readonly ids: readonly ResolvedId[];
  readonly erp: ErpAnswer;
  readonly verdict: Verdict;
}

/** Answer of GET /why. */
export interface Why {
  readonly found: boolean;
  readonly reference: string;
  readonly tenant_id: string | null;
  readonly events: readonly ExplainedEvent[];
  /** More events match than are followed here. */
  readonly more: number;
  /** When nothing was found: possible reasons, the most likely first. */
  readonly reasons: readonly {
    readonly reason: MissingReason | 'unknown_id';
    readonly text: string;
  }[];
  readonly dead_letters: readonly LedgerDeadLetter[];
  readonly evidence: (UnitEvidence & { readonly unit: string; readonly at_time: number }) | null;
}

async function resolveIds({ control }: Ports, event: LedgerEvent): Promise<readonly ResolvedId[]> {
  const wanted: [MappedEntity, string][] = [];
  if (event.unit !== null && event.entity !== 'transport_order')
    wanted.push(['vehicle', event.unit]);
  const driver = event.fact['driver_code'];
  if (event.entity === 'shift' && typeof driver === 'string') wanted.push(['driver', driver]);
  const geofence = event.fact['geofence_id'];
  if (typeof geofence === 'string') wanted.push(['site', geofence]);
  const ids: ResolvedId[] = [];
  for (const [entity, telematics_id] of wanted) {
    const mapping = await control.mapping(event.tenant_id, entity, telematics_id);
    const erp_id = erpIdAt(mapping, event.event_time);
    ids.push({
      entity,
      telematics_id,
      at_time: event.event_time,
      erp_id,
      version: mapping?.version ?? null,
    });
  }
  return ids;
}

async function askErp({ control, lookupErp }: Ports, event: LedgerEvent): Promise<ErpAnswer> {
  try {
    const model = await control.model(event.tenant_id);
    if (model === undefined) return { state: 'unavailable', reason: 'the tenant is not applied' };
    const row = await lookupErp(model, event.entity, event.entity_id);
    if (row === undefined) return { state: 'absent' };
    return { state: row.present ? 'present' : 'withdrawn', row };
  } catch (error) {
    // The chain up to here is worth an answer even while the ERP is away.
    const { code, message } = toFault(error, 'decide');
    return { state: 'unavailable', reason: `${code}: ${message}` };
  }
}

async function follow(ports: Ports, event: LedgerEvent): Promise<ExplainedEvent> {
  const trace = await ports.ledger.trace(event);
  const ids = await resolveIds(ports, event);
  const erp = await askErp(ports, event);
  const verdict = explain({
    entity: event.entity,
    revision: event.revision,
    retracted: event.retracted,
    deliveries: trace.deliveries,
    deadLetters: trace.dead_letters,
    ids,
    erp,
  });
  return { ...trace, ids, erp, verdict };
}

async function found(
  ports: Ports,
  reference: string,
  tenant: string | null,
  events: readonly LedgerEvent[],
): Promise<Why> {
  const explained: ExplainedEvent[] = [];
  for (const event of events.slice(0, TRACED)) explained.push(await follow(ports, event));
  return {
    found: true,
    reference,
    tenant_id: tenant ?? events[0]?.tenant_id ?? null,
    events: explained,
    more: Math.max(0, events.length - TRACED),
    reasons: [],
    dead_letters: [],
    evidence: null,
  };
}

/** Asked by id: an event, else a refused element with this id. */
async function whyReference(ports: Ports, tenant: string | null, reference: string): Promise<Why> {
  const events = await ports.ledger.find(tenant, reference);
  if (events.length > 0) return found(ports, reference, tenant, events);
  const letters = await ports.ledger.deadLetters(tenant, { elementId: reference });
  const reasons = letters.map(({ service, code, message }) => ({
    reason: 'dead_lettered' as const,
    text: `${service} refused this element (${code}: ${message})`,
  }));
  const unknown = {
    reason: 'unknown_id' as const,
    text: 'no trip, visit, order status, ERP row or refused element has this id; ask by unit and time instead: <unit>@<instant>',
  };
  return {
    found: false,
    reference,
    tenant_id: tenant,
    events: [],
    more: 0,
    reasons: reasons.length > 0 ? reasons : [unknown],
    dead_letters: letters,
    evidence: null,
  };
}

/** Asked by unit (or ERP vehicle id) and instant, because a missing trip has no id. */
async function whyInstant(ports: Ports, tenant: string, name: string, at: number): Promise<Why> {
  const { control, ledger } = ports;
  const reference = `${name}@${new Date(at).toISOString()}`;
  const units = name.includes(':') ? [name] : await control.telematicsIds(tenant, 'vehicle', name);
  for (const unit of units) {
    const events = await ledger.at(tenant, unit, at);
    if (events.length > 0) return found(ports, reference, tenant, events);
  }
  const [unit] = units;
  if (unit === undefined) {
    const text = `no unit is or was mapped to ${name}`;
    const reasons = [{ reason: 'unknown_id' as const, text }];
    return {
      found: false,
      reference,
      tenant_id: tenant,
      events: [],
      more: 0,
      reasons,
      dead_letters: [],
      evidence: null,
    };
  }
  const evidence = await ledger.evidence(tenant, unit, at);
  const deadLetters = await ledger.deadLetters(tenant, { unit, at });
  const model = await control.model(tenant);
  const silenceMs = (model?.detection.silence_s ?? 0) * 1000;
  return {
    found: false,
    reference,
    tenant_id: tenant,
    events: [],
    more: 0,
    reasons: explainMissing({ ...evidence, at, deadLetters, silenceMs }),
    dead_letters: deadLetters,
    evidence: { ...evidence, unit, at_time: at },
  };
}

/** GET /why?trip=<id>[&tenant=] or ?trip=<unit>@<instant>&tenant=. */
export function createWhy(ports: Ports): Route {
  return async (url) => {
    const tenant = url.searchParams.get('tenant') || null;
    const reference = (url.searchParams.get('trip') ?? '').trim();
    if (reference === '')
      throw malformed('expected ?trip=<id of a trip, visit, order, event or ERP row>');
    const at = /^(.+)@([^@]+)$/.exec(reference);
    const instant = at?.[2] === undefined ? undefined : parseInstant(at[2]);
    if (at?.[1] === undefined || instant === undefined) {
      return { status: 200, body: await whyReference(ports, tenant, reference) };
    }
    if (tenant === null) throw malformed('a unit and an instant need &tenant=<id>');
    return { status: 200, body: await whyInstant(ports, tenant, at[1], instant) };
  };
}
