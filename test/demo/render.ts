import type { Report, TenantFigures } from './report.ts';

type Row = readonly [label: string, ...values: readonly (string | number)[]];

function table(rows: readonly Row[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) {
      widths[i] = Math.max(widths[i] ?? 0, String(cell).length);
    }
  }
  return rows.map((row) =>
    row
      .map((cell, i) =>
        i === 0 ? String(cell).padEnd(widths[i] ?? 0) : String(cell).padStart(widths[i] ?? 0),
      )
      .join('  '),
  );
}

function deadLetters(figures: TenantFigures): string {
  const codes = figures.report.dead_letters.map(({ code, elements }) => `${elements} ${code}`);
  return codes.length === 0 ? 'none' : codes.join(', ');
}

const lines: readonly [string, (figures: TenantFigures) => string | number][] = [
  ['provider messages', (f) => f.provider_messages],
  ['  distinct, well-formed', (f) => f.provider_distinct],
  ['pages', (f) => f.report.pages],
  ['positions', (f) => f.report.positions.distinct],
  ['repeats removed', (f) => f.report.positions.repeats],
  ['late', (f) => f.report.positions.late],
  ['trips', (f) => f.report.trips.current],
  ['site visits', (f) => f.report.site_visits.current],
  ['order statuses', (f) => f.report.transport_orders.current],
  ['ERP rows in effect', (f) => f.erp_rows],
  ['amended after closing', (f) => f.report.amended],
  ['beyond grace: open tasks', (f) => f.report.beyond_grace.open_tasks],
  ['  fixes in them', (f) => f.report.beyond_grace.fixes],
  ['parked now', (f) => f.report.waiting],
  ['parked and released', (f) => f.report.released],
  ['gaps against the provider', (f) => f.gaps_provider],
  ['gaps against the ERP', (f) => f.gaps_erp],
  ['drift', (f) => f.drift],
  ['lag p50, wall ms', (f) => f.report.lag_ms.p50 ?? '-'],
  ['lag p99, wall ms', (f) => f.report.lag_ms.p99 ?? '-'],
];

const baselineLines: readonly [string, (figures: TenantFigures) => string | number][] = [
  ['rows written', (f) => f.baseline?.rows ?? '-'],
  ['trips lost', (f) => f.baseline?.lost ?? '-'],
  ['trips doubled', (f) => f.baseline?.doubled ?? '-'],
  ['trips misdated', (f) => f.baseline?.misdated ?? '-'],
];

/** The closing report as text for a person. */
export function renderReport(report: Report): string {
  const { tenants } = report;
  const names = tenants.map((figures) => figures.tenant);
  const body = lines.map(([label, value]): Row => [label, ...tenants.map(value)]);
  const script = baselineLines.map(([label, value]): Row => [label, ...tenants.map(value)]);
  const services = report.services.map((service): Row => [
    service.name,
    service.cpu_us_per_position,
    service.peak_rss_mb,
    service.restarts,
  ]);
  return [
    '',
    ...table([['', ...names], ...body]),
    '',
    ...tenants.map((figures) => `dead letters ${figures.tenant}: ${deadLetters(figures)}`),
    `webhooks: ${report.webhooks.accepted} accepted, ${report.webhooks.retried} sent again, forged one answered ${report.webhooks.forged_status}`,
    '',
    'The usual script (poll, insert, midnight close) on the same input',
    ...table([['', ...names], ...script]),
    '',
    `${report.positions_per_s} positions/s over ${report.seconds} s at ${report.speed} times real speed, seed ${report.seed}`,
    ...table([['service', 'CPU µs/position', 'peak RSS MB', 'restarts'], ...services]),
    '',
    report.right
      ? 'RIGHT: every ERP row equals the independent expectation; nothing is missing, doubled or misdated.'
      : ['WRONG:', ...report.problems.map((problem) => `  ${problem}`)].join('\n'),
    '',
  ].join('\n');
}
