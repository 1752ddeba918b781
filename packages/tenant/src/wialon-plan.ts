import type { TenantModel } from './model.ts';
import type { WialonSource } from './wialon-source.ts';

/** What an event needs from the provider. */
export type WialonNeed = 'messages' | 'sensors' | 'zones' | 'drivers';

type Events = TenantModel['events'];

/**
 * The event catalogue, read backwards: what is pulled follows from the events that a tenant wants, and
 * nothing else is. No event needs the provider's reports or notifications, so neither is called.
 */
const needsOfEvent: { readonly [E in keyof Events]-?: readonly WialonNeed[] } = {
  trip: ['messages'],
  site_visit: ['messages', 'zones'],
  geofence: ['messages', 'zones'],
  latest_position: ['messages'],
  position_minute: ['messages'],
  trip_status: [],
  idle: ['messages', 'sensors'],
  fuel_level: ['messages', 'sensors'],
  odometer: ['messages', 'sensors'],
  service_due: ['messages', 'sensors'],
  shift: ['messages', 'drivers'],
};

/** Units, zones and drivers are looked up again this often. */
export const DISCOVERY_S = 300;
/** A session that reads nothing is kept alive this often; it would end after 300 s. */
export const HEARTBEAT_S = 60;
/** Hours of units that are read again because a message came late, at most per hour and account. */
export const DIRTY_HOURS_PER_HOUR = 1000;

const ITEMS_PER_SEARCH = 1000;
/** Counts of a day in one call: 24 hours and what frees the loader. */
const COUNTS_PER_DAY = 25;
/** Share of each limit that a plan may take; the rest is reserve for gaps, retries and other clients. */
const MOST_SHARE = 0.5;

/** A wanted event and what it needs of Wialon. */
export function wialonNeeds(model: Pick<TenantModel, 'events'>): ReadonlyMap<WialonNeed, string[]> {
  const needs = new Map<WialonNeed, string[]>();
  for (const [event, kinds] of Object.entries(needsOfEvent)) {
    // Trust nothing about keys that a newer console may have added.
    const wish = (model.events as Readonly<Record<string, string>>)[event];
    if (wish === undefined || wish === 'off') continue;
    for (const kind of kinds) needs.set(kind, [...(needs.get(kind) ?? []), event]);
  }
  return needs;
}

/** The ids under which a tenant's pull sources state progress: one per shard. */
export function progressSources(source: Pick<WialonSource, 'source_id' | 'shards'>): string[] {
  if (source.shards === 1) return [source.source_id];
  return Array.from({ length: source.shards }, (_, at) => `${source.source_id}-shard-${at}`);
}

/** One derived call. */
export interface PlannedCall {
  readonly call: string;
  /** What it brings. */
  readonly what: string;
  /** Events that need it. */
  readonly events: readonly string[];
  /** On average; batched calls count one by one. */
  readonly calls_per_hour: number;
  /** Loaded from the provider's store; the live feed is not. */
  readonly messages_per_hour: number;
}

/** Use of one limit. */
export interface PlannedLimit {
  readonly limit: string;
  readonly used: number;
  readonly allowed: number;
  /** used / allowed; a plan takes at most 0.5 of each. */
  readonly share: number;
}

/** What an account is asked, and what that takes of its limits. */
export interface WialonPlan {
  readonly tenant_id: string;
  readonly source_id: string;
  readonly account: string;
  readonly calls: readonly PlannedCall[];
  readonly limits: readonly PlannedLimit[];
  /** Why it cannot be run; empty = it can. */
  readonly refusals: readonly string[];
}

function messageCalls(source: WialonSource, events: readonly string[]): PlannedCall[] {
  const { expected_units: units, shards, readers, proof } = source;
  const dayMessages = (units * 86_400) / source.expected_message_interval_s;
  const proofDays = proof.days === 0 ? 0 : 2;
  const hourMessages = 3600 / source.expected_message_interval_s;
  const dirty = Math.min(DIRTY_HOURS_PER_HOUR, units);
  return [
    {
      call: 'avl_evts',
      what: 'live messages of all units, and heartbeats of the readers',
      events,
      calls_per_hour:
        (shards * 3_600_000) / source.poll_interval_ms + (shards * readers * 3600) / HEARTBEAT_S,
      messages_per_hour: 0,
    },
    {
      call: 'core/update_data_flags',
      what: 'subscription of a live session; once per session',
      events,
      calls_per_hour: shards / 24,
      messages_per_hour: 0,
    },
    {
      call: 'messages/load_interval',
      what: 'hours with late messages, read again; counts of the past day and of the day that turns old',
      events,
      calls_per_hour: dirty + (units * proofDays * COUNTS_PER_DAY) / 24,
      messages_per_hour: dirty * hourMessages + (dayMessages * proofDays) / 24,
    },
    {
      call: 'messages/unload',
      what: 'frees the loader',
      events,
      calls_per_hour: dirty + (units * proofDays) / 24,
      messages_per_hour: 0,
    },
  ];
}

function lookUps(
  source: WialonSource,
  needs: ReadonlyMap<WialonNeed, readonly string[]>,
): PlannedCall[] {
  const perHour = 3600 / DISCOVERY_S;
  const pages = Math.ceil(source.expected_units / ITEMS_PER_SEARCH) * source.shards;
  const row = (call: string, what: string, events: readonly string[], times: number) => ({
    call,
    what,
    events,
    calls_per_hour: times * perHour,
    messages_per_hour: 0,
  });
  const messages = needs.get('messages') ?? [];
  const zones = needs.get('zones') ?? [];
  const drivers = needs.get('drivers') ?? [];
  const sensors = needs.get('sensors') ?? [];
  const what = `units${sensors.length > 0 ? ' with sensors and settings' : ''}`;
  return [
    ...(messages.length > 0 ? [row('core/search_items', what, messages, pages)] : []),
    ...(zones.length > 0 || drivers.length > 0
      ? [row('core/search_items', 'resources', [...new Set([...zones, ...drivers])], 1)]
      : []),
    ...(zones.length > 0 ? [row('resource/get_zone_data', 'geofences', zones, 1)] : []),
    ...(drivers.length > 0
      ? [row('resource/get_driver_bindings', 'driver bindings', drivers, 1)]
      : []),
  ];
}

function limitsOf(source: WialonSource, calls: readonly PlannedCall[]): PlannedLimit[] {
  const { limits, shards, readers } = source;
  const hourly = calls.reduce((sum, { calls_per_hour }) => sum + calls_per_hour, 0);
  const messages = calls.reduce((sum, { messages_per_hour }) => sum + messages_per_hour, 0);
  const sessions = shards + readers * shards;
  const use = (limit: string, used: number, allowed: number): PlannedLimit => ({
    limit,
    used,
    allowed,
    share: used / allowed,
  });
  return [
    use('sessions', sessions, limits.sessions),
    use('polls per 10 s and session', 10_000 / source.poll_interval_ms, limits.polls_per_10_s),
    use('calls per hour', hourly, sessions * limits.session_calls_per_s * 3600),
    use('messages loaded per 2 min', messages / 30, limits.messages_per_2_min),
    use('messages loaded per hour', messages, limits.messages_per_hour),
    use('messages loaded per day', messages * 24, limits.messages_per_day),
  ];
}

/**
 * The calls that the wanted events lead to, per account, with their cost against the account's limits.
 * A plan that takes more than half of a limit is refused: the other half closes gaps.
 */
export function planWialon(model: TenantModel): readonly WialonPlan[] {
  const needs = wialonNeeds(model);
  return model.sources
    .filter((source): source is WialonSource => source.kind === 'wialon')
    .map((source) => {
      const events = needs.get('messages');
      const calls =
        events === undefined ? [] : [...messageCalls(source, events), ...lookUps(source, needs)];
      const limits = calls.length === 0 ? [] : limitsOf(source, calls);
      return {
        tenant_id: model.tenant_id,
        source_id: source.source_id,
        account: source.account,
        calls,
        limits,
        refusals: limits
          .filter(({ share }) => share > MOST_SHARE)
          .map(
            ({ limit, used, allowed, share }) =>
              `${limit}: ${Math.ceil(used)} of ${Math.floor(allowed)} (${Math.round(share * 100)} %), at most 50 % may be planned`,
          ),
      };
    });
}
