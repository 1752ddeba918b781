import type { Message, TenantConfigured } from '@waybill/contracts';
import { Fault } from '@waybill/fault';
import { checkModel, readTenant, toDocument } from '@waybill/tenant';
import { inherit, type Interval } from '../core/inherit.ts';
import { rulesOf, rulesOfUnit } from '../tenant-rules.ts';
import { configurationOf, type History } from './history.ts';
import { replay } from './replay.ts';

/** An event as it is compared. */
export interface TestedEvent {
  readonly unit: string;
  readonly entity: string;
  readonly place: string | null;
  readonly start: string;
  readonly end: string | null;
  /** Distance of a trip, km. */
  readonly distance_km: number | null;
}

/** The answer of `detect backtest`. */
export interface Backtest {
  readonly tenant_id: string;
  readonly change: Readonly<Record<string, unknown>>;
  readonly units: number;
  readonly before: number;
  readonly after: number;
  readonly gained: readonly TestedEvent[];
  readonly lost: readonly TestedEvent[];
  readonly moved: readonly { readonly before: TestedEvent; readonly after: TestedEvent }[];
}

/** `detection.stay_time_s=180` → the path and its value; text that is no JSON stays text. */
function parseChange(text: string): readonly [readonly string[], unknown] {
  const at = text.indexOf('=');
  if (at < 1) {
    throw new Fault(`expected a change such as detection.stay_time_s=180, found ${text}`, {
      kind: 'malformed',
      code: 'CHANGE_INVALID',
      stage: 'decode',
    });
  }
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at).split('.'), JSON.parse(value)];
  } catch {
    return [text.slice(0, at).split('.'), value];
  }
}

function changed(value: unknown, [name, ...rest]: readonly string[], to: unknown): unknown {
  if (name === undefined) return to;
  const fields = typeof value === 'object' && value !== null ? value : {};
  const inner: unknown = Object.entries(fields).find(([key]) => key === name)?.[1];
  return { ...fields, [name]: changed(inner, rest, to) };
}

/**
 * The configuration with these changes (`detection.stay_time_s=180`). Throws `CHANGE_INVALID` for what is no
 * change and `TENANT_INVALID` for one that makes the tenant's file wrong.
 */
export function withChanges(
  configured: TenantConfigured,
  changes: readonly string[],
): TenantConfigured {
  let model: unknown = readTenant(configured);
  for (const change of changes) model = changed(model, ...parseChange(change));
  const { document, sha256 } = toDocument(checkModel(model));
  return { ...configured, document, document_sha256: sha256 };
}

interface Comparable {
  readonly event: TestedEvent;
  readonly interval: Interval;
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** Fields by which facts of all kinds are compared, under the names of their contracts. */
interface Fact {
  readonly unit: string;
  readonly event_time: number;
  readonly start_time?: number;
  readonly end_time?: number;
  readonly entered_time?: number;
  readonly left_time?: number | null;
  readonly geofence_id?: string;
  readonly crossing?: string;
  readonly distance_km?: number;
}

function comparable({ type, value }: Message): Comparable {
  // Every fact of the detector has an event time; what else it has, it has under these names.
  const fact = value as Fact;
  const isPoint = fact.crossing !== undefined;
  const start =
    fact.start_time ?? (isPoint ? fact.event_time : (fact.entered_time ?? fact.event_time));
  const end = fact.end_time ?? (isPoint ? fact.event_time : (fact.left_time ?? null));
  const place = [fact.geofence_id, fact.crossing].filter((part) => part !== undefined).join(' ');
  return {
    event: {
      unit: fact.unit,
      entity: type,
      place: place === '' ? null : place,
      start: iso(start),
      end: end === null ? null : iso(end),
      distance_km: fact.distance_km ?? null,
    },
    interval: { from: start, to: end ?? Infinity },
  };
}

function eventsOf(history: History, unit: string, configured: TenantConfigured): Comparable[] {
  const rules = rulesOfUnit(rulesOf(configured, history.tables), unit, history.tables);
  const records = history.positions.get(unit) ?? [];
  const { announcements } = replay(configured.tenant_id, unit, records, rules);
  return announcements.map(({ message }) => comparable(message));
}

function isMoved(a: TestedEvent, b: TestedEvent): boolean {
  return a.start !== b.start || a.end !== b.end || a.distance_km !== b.distance_km;
}

/** What would have been detected under another configuration, against what the present one gives. */
export function backtest(
  history: History,
  tenantId: string,
  changes: readonly string[],
  range: Interval,
): Backtest {
  const present = configurationOf(history, tenantId);
  const other = withChanges(present, changes);
  const gained: TestedEvent[] = [];
  const lost: TestedEvent[] = [];
  const moved: { before: TestedEvent; after: TestedEvent }[] = [];
  let [before, after] = [0, 0];
  const isAsked = ({ interval }: Comparable): boolean =>
    interval.to >= range.from && interval.from <= range.to;
  for (const unit of history.positions.keys()) {
    const old = eventsOf(history, unit, present).filter(isAsked);
    const now = eventsOf(history, unit, other).filter(isAsked);
    before += old.length;
    after += now.length;
    const groupOf = ({ event }: Comparable): string => `${event.entity} ${event.place}`;
    const [oldGroups, nowGroups] = [Map.groupBy(old, groupOf), Map.groupBy(now, groupOf)];
    for (const name of new Set([...oldGroups.keys(), ...nowGroups.keys()])) {
      const olds = oldGroups.get(name) ?? [];
      const news = nowGroups.get(name) ?? [];
      const intervals = (list: readonly Comparable[]): Interval[] =>
        list.map(({ interval }) => interval);
      const { heirs, ancestors } = inherit(intervals(olds), intervals(news));
      for (const [i, { event }] of olds.entries()) {
        const heir = news[heirs[i] ?? -1];
        if (heir === undefined) lost.push(event);
        else if (isMoved(event, heir.event)) moved.push({ before: event, after: heir.event });
      }
      for (const [i, { event }] of news.entries()) {
        if (ancestors[i] === undefined) gained.push(event);
      }
    }
  }
  return {
    tenant_id: tenantId,
    change: Object.fromEntries(
      changes.map(parseChange).map(([path, value]) => [path.join('.'), value]),
    ),
    units: history.positions.size,
    before,
    after,
    gained,
    lost,
    moved,
  };
}
