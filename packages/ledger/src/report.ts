import type { LedgerTx } from './batch.ts';

/** Outcomes after which the fact stands in the ERP as wanted. */
const SETTLED = ['INSERTED', 'UPDATED', 'UNCHANGED', 'AMENDED', 'RETRACTED', 'SUPERSEDED'] as const;
/** Outcomes that wrote something. */
const WRITTEN = ['INSERTED', 'UPDATED', 'AMENDED', 'RETRACTED'] as const;

export interface DeadLetterCount {
  readonly service: string;
  readonly code: string;
  /** Distinct elements. */
  readonly elements: number;
  /** Times that they were refused. */
  readonly rejections: number;
}

export interface TenantReport {
  readonly tenant_id: string;
  readonly pages: number;
  /** Messages in the pages, repeats included. */
  readonly messages: number;
  /** Pushed requests. */
  readonly requests: number;
  readonly positions: {
    readonly distinct: number;
    readonly repeats: number;
    /** Registered at least 60 s after they happened. */
    readonly late: number;
    readonly max_late_s: number;
  };
  readonly trips: EventCounts;
  readonly site_visits: EventCounts;
  readonly transport_orders: EventCounts;
  /** All other entities that there are events of, by name. */
  readonly other_events: Readonly<Record<string, EventCounts>>;
  /** Settled deliveries by outcome, one per event, target, triple and outcome. */
  readonly deliveries: Readonly<Record<string, number>>;
  readonly amended: number;
  readonly beyond_grace: { readonly open_tasks: number; readonly fixes: number };
  /** Events that wait for an id now, and those that waited and were delivered. */
  readonly waiting: number;
  readonly released: number;
  readonly dead_letters: readonly DeadLetterCount[];
  /** delivered_time - received_time over first deliveries of events that never waited for an id. */
  readonly lag_ms: {
    readonly p50: number | null;
    readonly p99: number | null;
    readonly count: number;
  };
  readonly sessions: Readonly<Record<string, number>>;
}

export interface EventCounts {
  readonly current: number;
  readonly retracted: number;
  /** Versions published, the first ones included. */
  readonly versions: number;
}

type Rows = readonly Readonly<Record<string, string | number | null>>[];

const filter = '($1::text is null or tenant_id = $1)';

/** Last outcome of each event and target decides whether it waits. */
const parked = `with ranked as (
  select tenant_id, event_id, target, outcome,
    row_number() over (partition by tenant_id, event_id, target
      order by revision desc, activation desc, resolution desc, newest_time desc) as place,
    bool_or(outcome = 'WAITING') over (partition by tenant_id, event_id, target) as waited
  from ledger.delivery where ${filter}
)
select tenant_id, count(*) filter (where outcome = 'WAITING') as waiting,
  count(*) filter (where waited and outcome = any($2::text[])) as released
from ranked where place = 1 group by 1`;

const lag = `with firsts as (
  select tenant_id, event_id, target,
    min(delivered_time) filter (where outcome = any($2::text[])) as delivered,
    (array_agg(received_time order by delivered_time)
      filter (where outcome = any($2::text[])))[1] as received,
    bool_or(outcome = 'WAITING') as waited
  from ledger.delivery where ${filter} group by 1, 2, 3
)
select tenant_id, count(*) as count,
  percentile_disc(0.5) within group (order by extract(epoch from delivered - received)) as p50,
  percentile_disc(0.99) within group (order by extract(epoch from delivered - received)) as p99
from firsts where delivered is not null and not waited group by 1`;

const statements = {
  pages: `select tenant_id, count(*) filter (where account is not null) as pages,
    coalesce(sum(message_count) filter (where account is not null), 0) as messages,
    count(*) filter (where account is null) as requests
    from ledger.page where ${filter} group by 1`,
  positions: `select tenant_id, sum(fixes) as distinct, sum(repeats) as repeats, sum(late) as late,
    max(max_late_s) as max_late_s from ledger.fix_hour where ${filter} group by 1`,
  events: `select tenant_id, entity, count(*) filter (where not retracted) as current,
    count(*) filter (where retracted) as retracted, sum(versions) as versions
    from ledger.event where ${filter} group by 1, 2`,
  deliveries: `select tenant_id, outcome, count(*) as count from ledger.delivery
    where ${filter} group by 1, 2`,
  tasks: `select tenant_id, count(*) as open_tasks, sum(fix_count) as fixes from ledger.task
    where ${filter} and kind = 'BEYOND_GRACE' and status = 'OPEN' group by 1`,
  letters: `select coalesce(tenant_id, '') as tenant_id, service, code, count(*) as elements,
    sum(rejections) as rejections from ledger.dead_letter
    where ${filter} group by 1, 2, 3 order by 2, 3`,
  sessions: `select tenant_id, kind, count(*) as count from ledger.session_event
    where ${filter} group by 1, 2`,
} as const;

function ofTenant(rows: Rows, tenant: string): Rows {
  return rows.filter((row) => row['tenant_id'] === tenant);
}

function number(row: Rows[number] | undefined, name: string): number {
  return Number(row?.[name] ?? 0);
}

function counts(rows: Rows, tenant: string, key: string): Record<string, number> {
  return Object.fromEntries(
    ofTenant(rows, tenant).map((row) => [String(row[key]), number(row, 'count')]),
  );
}

function eventCounts(rows: Rows, tenant: string, entity: string): EventCounts {
  const row = ofTenant(rows, tenant).find((row) => row['entity'] === entity);
  return {
    current: number(row, 'current'),
    retracted: number(row, 'retracted'),
    versions: number(row, 'versions'),
  };
}

const OWN_FIELD: ReadonlySet<string> = new Set(['trip', 'site_visit', 'transport_order']);

function otherEvents(rows: Rows, tenant: string): Record<string, EventCounts> {
  const names = ofTenant(rows, tenant).map((row) => String(row['entity']));
  const others = names.filter((name) => !OWN_FIELD.has(name)).toSorted();
  return Object.fromEntries(others.map((name) => [name, eventCounts(rows, tenant, name)]));
}

function deadLetters(rows: Rows, tenant: string): DeadLetterCount[] {
  return ofTenant(rows, tenant).map((row) => ({
    service: String(row['service']),
    code: String(row['code']),
    elements: number(row, 'elements'),
    rejections: number(row, 'rejections'),
  }));
}

/** Milliseconds of a number of seconds that the database gave as text; null stays null. */
function milliseconds(seconds: string | number | null | undefined): number | null {
  return seconds === null || seconds === undefined ? null : Math.round(Number(seconds) * 1000);
}

/** Counts of all tenants, or of one; tenants that the ledger never heard of are absent. */
export async function reportTenants(
  db: LedgerTx,
  tenant: string | null,
): Promise<{
  readonly tenants: readonly TenantReport[];
  /** Elements whose tenant nobody could tell. */
  readonly dead_letters_without_tenant: readonly DeadLetterCount[];
}> {
  const read = async (sql: string, ...more: unknown[]): Promise<Rows> =>
    (await db.query<Rows[number]>(sql, [tenant, ...more])).rows;
  const pages = await read(statements.pages);
  const positions = await read(statements.positions);
  const events = await read(statements.events);
  const deliveries = await read(statements.deliveries);
  const tasks = await read(statements.tasks);
  const letters = await read(statements.letters);
  const sessions = await read(statements.sessions);
  const parkedRows = await read(parked, SETTLED);
  const lags = await read(lag, WRITTEN);

  const all = [pages, positions, events, deliveries, tasks, letters, sessions].flat();
  const ids = new Set(all.map((row) => String(row['tenant_id'])).filter((id) => id !== ''));
  return {
    tenants: [...ids].sort().map((id) => {
      const [page] = ofTenant(pages, id);
      const [position] = ofTenant(positions, id);
      const [task] = ofTenant(tasks, id);
      const [waits] = ofTenant(parkedRows, id);
      const [times] = ofTenant(lags, id);
      const outcomes = counts(deliveries, id, 'outcome');
      return {
        tenant_id: id,
        pages: number(page, 'pages'),
        messages: number(page, 'messages'),
        requests: number(page, 'requests'),
        positions: {
          distinct: number(position, 'distinct'),
          repeats: number(position, 'repeats'),
          late: number(position, 'late'),
          max_late_s: number(position, 'max_late_s'),
        },
        trips: eventCounts(events, id, 'trip'),
        site_visits: eventCounts(events, id, 'site_visit'),
        transport_orders: eventCounts(events, id, 'transport_order'),
        other_events: otherEvents(events, id),
        deliveries: outcomes,
        amended: outcomes['AMENDED'] ?? 0,
        beyond_grace: { open_tasks: number(task, 'open_tasks'), fixes: number(task, 'fixes') },
        waiting: number(waits, 'waiting'),
        released: number(waits, 'released'),
        dead_letters: deadLetters(letters, id),
        lag_ms: {
          p50: milliseconds(times?.['p50']),
          p99: milliseconds(times?.['p99']),
          count: number(times, 'count'),
        },
        sessions: counts(sessions, id, 'kind'),
      };
    }),
    dead_letters_without_tenant: deadLetters(letters, ''),
  };
}
