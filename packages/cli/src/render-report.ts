import { table } from './format.ts';
import type { Paint } from './terminal.ts';

/** The parts of the reconciler's GET /report that are shown. */
export interface ReportAnswer {
  readonly tenants: readonly {
    readonly tenant_id: string;
    readonly pages: number;
    readonly messages: number;
    readonly requests: number;
    readonly positions: {
      readonly distinct: number;
      readonly repeats: number;
      readonly late: number;
    };
    readonly trips: { readonly current: number; readonly retracted: number };
    readonly site_visits: { readonly current: number; readonly retracted: number };
    readonly transport_orders: { readonly current: number };
    /** By entity; absent from an older reconciler. */
    readonly other_events?: Readonly<
      Record<string, { readonly current: number; readonly retracted: number }>
    >;
    readonly deliveries: Readonly<Record<string, number>>;
    readonly beyond_grace: { readonly open_tasks: number; readonly fixes: number };
    readonly waiting: number;
    readonly released: number;
    readonly dead_letters: readonly DeadLetters[];
    readonly lag_ms: { readonly p50: number | null; readonly p99: number | null };
    readonly sessions: Readonly<Record<string, number>>;
    readonly completeness: Completeness | null;
    readonly last_reconciliation: {
      readonly gaps: number;
      readonly drift: number;
      readonly orphans: number;
    } | null;
  }[];
  readonly dead_letters_without_tenant: readonly DeadLetters[];
}

interface DeadLetters {
  readonly service: string;
  readonly code: string;
  readonly elements: number;
}

interface HourFigures {
  readonly fixes: number;
  readonly late_fixes: number;
  readonly beyond_grace_fixes: number;
  readonly units_heard: number;
  readonly units_silent: number;
  readonly pending_proposals: number;
  /** Null = not known. */
  readonly provider_messages: number | null;
  readonly extracted_messages: number | null;
  readonly units_without_engine: number | null;
  readonly idle: string;
}

interface Completeness extends HourFigures {
  readonly hours: number;
  readonly final_hours: number;
}

/** The parts of the reconciler's GET /completeness that are shown; newest hour first. */
export interface HoursAnswer {
  readonly hours: readonly (HourFigures & {
    readonly hour_time: number;
    readonly final: boolean;
  })[];
}

type Tenant = ReportAnswer['tenants'][number];

function list(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${count} ${name.toLowerCase().replaceAll('_', ' ')}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}

function letters(found: readonly DeadLetters[]): string {
  if (found.length === 0) return 'none';
  return found.map(({ service, code, elements }) => `${elements} ${code} (${service})`).join(', ');
}

function seconds(ms: number | null): string {
  return ms === null ? '–' : `${(ms / 1000).toFixed(2)} s`;
}

function comparison({ last_reconciliation: last }: Tenant, paint: Paint): string {
  if (last === null) return 'not compared with the ERP since the reconciler started';
  const text = `${last.gaps} gaps, ${last.drift} drift, ${last.orphans} orphans`;
  return paint(last.gaps + last.drift + last.orphans === 0 ? 'green' : 'red', text);
}

function idling({ idle, units_without_engine: without }: HourFigures): string {
  if (idle === 'NOT_MEASURABLE') return 'idling not measurable';
  if (idle === 'PARTLY_MEASURABLE') return `idling not measurable for ${without ?? 0} units`;
  return '';
}

function ofProvider({ provider_messages: held, extracted_messages: read }: HourFigures): string {
  if (held === null) return '';
  return read === null ? `provider holds ${held}` : `${read} of ${held} messages`;
}

function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(', ');
}

function completenessText({ completeness: known }: Tenant): string {
  if (known === null) return 'no hour was counted yet';
  return joined([
    `${known.final_hours} of ${known.hours} h final`,
    ofProvider(known),
    `${known.fixes} positions, ${known.late_fixes} late, ${known.beyond_grace_fixes} beyond grace`,
    `${known.pending_proposals} proposals pending`,
    `newest hour: ${known.units_heard} units heard, ${known.units_silent} silent`,
    idling(known),
  ]);
}

/** Hours as lines of text, newest first. */
export function renderHours({ hours }: HoursAnswer): string[] {
  if (hours.length === 0) return ['no hour was counted yet'];
  return table([
    ['hour', 'state', 'positions', 'late', 'beyond', 'heard', 'silent', 'proposals', ''],
    ...hours.map((hour) => [
      new Date(hour.hour_time).toISOString().slice(0, 16).replace('T', ' '),
      hour.final ? 'final' : 'open',
      String(hour.fixes),
      String(hour.late_fixes),
      String(hour.beyond_grace_fixes),
      String(hour.units_heard),
      String(hour.units_silent),
      String(hour.pending_proposals),
      joined([ofProvider(hour), idling(hour)]),
    ]),
  ]);
}

function tenantLines(tenant: Tenant, paint: Paint): string[] {
  const { positions, trips, site_visits: visits, beyond_grace: beyond, lag_ms: lag } = tenant;
  const rows: [string, string][] = [
    ['read', `${tenant.messages} messages in ${tenant.pages} pages, ${tenant.requests} pushed`],
    [
      'positions',
      `${positions.distinct} distinct, ${positions.repeats} repeats removed, ${positions.late} late`,
    ],
    ['trips', `${trips.current} current, ${trips.retracted} retracted`],
    ['visits', `${visits.current} current, ${visits.retracted} retracted`],
    ['order events', String(tenant.transport_orders.current)],
    ...Object.entries(tenant.other_events ?? {}).map(([entity, counts]): [string, string] => [
      entity.replaceAll('_', ' '),
      `${counts.current} current, ${counts.retracted} retracted`,
    ]),
    ['deliveries', list(tenant.deliveries)],
    ['beyond grace', `${beyond.fixes} fixes in ${beyond.open_tasks} open tasks`],
    ['ids', `${tenant.waiting} events wait, ${tenant.released} were released`],
    ['completeness', completenessText(tenant)],
    ['dead letters', letters(tenant.dead_letters)],
    ['lag', `p50 ${seconds(lag.p50)}, p99 ${seconds(lag.p99)}`],
    ['sessions', list(tenant.sessions)],
    ['ERP', comparison(tenant, paint)],
  ];
  return [
    paint('bold', tenant.tenant_id),
    ...table(rows.map(([name, text]) => [`  ${name}`, text])),
  ];
}

/** The report as lines of text, one block per tenant. */
export function renderReport(answer: ReportAnswer, paint: Paint): string[] {
  const blocks = answer.tenants.map((tenant) => tenantLines(tenant, paint));
  const lines = blocks.flatMap((block, index) => (index === 0 ? block : ['', ...block]));
  if (lines.length === 0) lines.push('the ledger is empty: no tenant has produced anything yet');
  const { dead_letters_without_tenant: unknown } = answer;
  if (unknown.length > 0) lines.push('', `dead letters without tenant: ${letters(unknown)}`);
  return lines;
}
