import { duration, instant, table } from './format.ts';
import type { Paint } from './terminal.ts';
import type { WhyAnswer, WhyEvent, WhyRaw } from './why-answer.ts';

const nouns: Readonly<Record<string, string>> = {
  trip: 'trip',
  site_visit: 'visit',
  transport_order: 'order',
  idle: 'idling',
  fuel_level: 'fuel change',
  odometer: 'odometer reading',
  work_order: 'due service',
  shift: 'shift',
  geofence: 'crossing',
};
/** Ladder of colours: as wanted, on its way, needs somebody. */
const colours: Readonly<Record<string, 'green' | 'yellow' | 'red'>> = {
  in_erp: 'green',
  withdrawn: 'green',
  superseded: 'green',
  behind: 'yellow',
  waiting: 'yellow',
  not_delivered: 'yellow',
  unknown: 'yellow',
};

function place({ address }: WhyRaw): string {
  const element = address.index < 0 ? '' : ` #${address.index}`;
  return `${address.topic}/${address.partition}@${address.offset}${element}`;
}

/** `2015-12-10 04:30:00Z … 05:00:00Z`: the window that the call asked for. */
function windowText(from: number | null, to: number | null): string {
  if (from === null && to === null) return 'no window (live feed)';
  const text = (ms: number | null): string => (ms === null ? 'open' : instant(ms));
  return `window ${text(from)} … ${text(to)}`;
}

function rawLines(name: string, raw: WhyRaw): string[] {
  const head = `    ${name.padEnd(10)}  ${place(raw)}`;
  const indent = ' '.repeat(16);
  const { page } = raw;
  if (page === null) return [head, `${indent}the ledger does not know this page (yet)`];
  const session = page.session_hash === null ? 'pushed' : `session ${page.session_hash}`;
  const last = page.first_index + page.message_count - 1;
  return [
    head,
    `${indent}${page.call} ${page.parameters}${page.unit === null ? '' : ` of ${page.unit}`}`,
    `${indent}${windowText(page.window_from_time, page.window_to_time)}, messages ${page.first_index}–${last}, ${session}`,
    `${indent}received ${instant(page.received_time)}, sha256 ${page.body_sha256.slice(0, 16)}`,
  ];
}

function number(fact: WhyEvent['event']['fact'], name: string): number | undefined {
  const value = fact[name];
  return typeof value === 'number' ? value : undefined;
}

function factText({ event }: WhyEvent): string {
  const { fact, from_time: from, to_time: to } = event;
  const parts = [`${instant(from)} → ${to === null ? 'still there' : instant(to)}`];
  const seconds = number(fact, 'duration_s') ?? number(fact, 'dwell_s');
  if (seconds !== undefined) parts.push(duration(seconds));
  const km = number(fact, 'distance_km');
  if (km !== undefined) parts.push(`${km.toFixed(2)} km`);
  const fixes = number(fact, 'fix_count');
  if (fixes !== undefined) parts.push(`${fixes} fixes`);
  for (const name of ['status', 'geofence_id', 'finality']) {
    const value = fact[name];
    if (typeof value === 'string') parts.push(value);
  }
  return parts.join(', ');
}

function originLines(event: WhyEvent): string[] {
  const { first_fix: first, last_fix: last, cause } = event;
  const lines = ['  where it comes from'];
  if (first) lines.push(...rawLines('first fix', first));
  if (last) lines.push(...rawLines('last fix', last));
  const known = [first, last].some((raw) => raw !== null && place(raw) === place(cause));
  if (!known) lines.push(...rawLines('cause', cause));
  return lines;
}

function versionLines({ versions }: WhyEvent): string[] {
  const rows = versions.map((version) => [
    `    revision ${version.revision}`,
    version.retracted ? 'retracted' : version.cause,
    version.late_by_s !== null && version.late_by_s > 0
      ? `${duration(version.late_by_s)} late`
      : 'in time',
    `${version.topic}/${version.partition}@${version.offset}`,
    version.traceparent === null ? '' : `trace ${version.traceparent.split('-')[1] ?? ''}`,
  ]);
  return ['  versions', ...table(rows)];
}

function idLines({ ids }: WhyEvent, paint: Paint): string[] {
  if (ids.length === 0) return [];
  const lines = ids.map(({ entity, telematics_id: id, erp_id: erp, at_time: at, version }) => {
    const to = erp ?? paint('yellow', 'not mapped');
    const source = version === null ? '' : ` (id map version ${version})`;
    return `    ${entity} ${id} → ${to} as of ${instant(at)}${source}`;
  });
  return ['  ids', ...lines];
}

function deliveryLines({ deliveries }: WhyEvent): string[] {
  if (deliveries.length === 0) return ['  deliveries', '    none reported'];
  const rows = deliveries.map((d) => [
    `    ${d.outcome}`,
    `${d.revision}/${d.activation}/${d.resolution}`,
    `${d.target}${d.erp_table === null ? '' : ` ${d.erp_table}`}`,
    d.business_date ?? '',
    d.erp_vehicle_id ?? '',
    `attempt ${d.attempts}`,
    `${((d.delivered_time - d.received_time) / 1000).toFixed(2)} s after receipt`,
    [d.amendment_kind, d.reason, d.changed_fields.join(', ')].filter(Boolean).join('; '),
  ]);
  return ['  deliveries', ...table(rows)];
}

function valueText(name: string, value: string | number | null): string {
  if (value === null) return '–';
  return name.endsWith('_time') && typeof value === 'number' ? instant(value) : String(value);
}

function erpLines({ erp }: WhyEvent, paint: Paint): string[] {
  switch (erp.state) {
    case 'absent':
      return ['  ERP', `    ${paint('yellow', 'no row')}`];
    case 'unavailable':
      return ['  ERP', `    ${paint('yellow', `not asked: ${erp.reason}`)}`];
    case 'present':
    case 'withdrawn': {
      const { key, amendments, fields } = erp.row;
      const amended = amendments === 0 ? '' : `, ${amendments} amendment(s)`;
      const head = `    row ${key}, ${erp.state === 'present' ? 'in effect' : 'withdrawn'}${amended}`;
      const rows = Object.entries(fields).map(([name, value]) => [
        `      ${name}`,
        valueText(name, value),
      ]);
      return ['  ERP', head, ...table(rows)];
    }
  }
}

function eventLines(event: WhyEvent, paint: Paint): string[] {
  const { entity, entity_id: id, unit, tenant_id: tenant, event_id: eventId } = event.event;
  const { state, text } = event.verdict;
  const of = unit === null ? '' : ` of ${unit}`;
  return [
    `${paint('bold', `${nouns[entity] ?? entity} ${id}`)}${of} (${tenant})`,
    `  ${paint(colours[state] ?? 'red', text)}`,
    `  ${factText(event)}`,
    `  event ${eventId}`,
    ...originLines(event),
    ...versionLines(event),
    ...idLines(event, paint),
    ...deliveryLines(event),
    ...erpLines(event, paint),
  ];
}

function missingLines(answer: WhyAnswer, paint: Paint): string[] {
  const { evidence } = answer;
  const lines = [paint('bold', `nothing stands for ${answer.reference}`)];
  for (const { text } of answer.reasons) lines.push(`  ${paint('yellow', text)}`);
  if (evidence) {
    const { fixes, previous_end_time: previous, complete_to_time: complete } = evidence;
    lines.push(`  ${fixes} distinct positions of ${evidence.unit} in that hour`);
    if (previous !== null) lines.push(`  its last event before ended ${instant(previous)}`);
    if (complete !== null) lines.push(`  the sources are read up to ${instant(complete)}`);
  }
  for (const { service, code, message, trace } of answer.dead_letters) {
    lines.push(`  ${service} ${code}: ${message}`, ...rawLines('element', trace));
  }
  return lines;
}

/** The chain of every event as lines of text, from the API call to the ERP row. */
export function renderWhy(answer: WhyAnswer, paint: Paint): string[] {
  if (!answer.found) return missingLines(answer, paint);
  const blocks = answer.events.map((event) => eventLines(event, paint));
  const lines = blocks.flatMap((block, index) => (index === 0 ? block : ['', ...block]));
  if (answer.more > 0) lines.push('', `${answer.more} more events match; give a longer id`);
  return lines;
}
