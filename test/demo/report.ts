import type { TenantReport } from '@waybill/ledger';
import { call } from './http.ts';
import type { RunResult } from './run.ts';
import type { System } from './system.ts';
import type { Expectation, Verdict } from './verdict.ts';

interface UnitCount {
  readonly registered: number;
  readonly distinct: number;
  readonly malformed: number;
}

interface Store {
  readonly accounts: readonly { readonly account: string; readonly units: readonly UnitCount[] }[];
}

interface Reconciliation {
  readonly gaps: readonly unknown[];
  readonly drift: readonly unknown[];
}

/** What the usual script made of the same input. */
export interface BaselineResult {
  readonly rows: number;
  readonly lost: number;
  readonly doubled: number;
  readonly misdated: number;
}

export interface ServiceFigures {
  readonly name: string;
  readonly cpu_us_per_position: number;
  readonly peak_rss_mb: number;
  readonly restarts: number;
}

export interface TenantFigures {
  readonly tenant: string;
  readonly provider_messages: number;
  readonly provider_distinct: number;
  readonly report: TenantReport;
  /** Distinct messages that the provider holds and the ledger does not. */
  readonly gaps_provider: number;
  /** Events without a row, and rows that differ, as the reconciler finds them. */
  readonly gaps_erp: number;
  readonly drift: number;
  readonly baseline: BaselineResult | null;
  /** Rows in effect in the ERP: trips, visits, orders. */
  readonly erp_rows: number;
  readonly hash: string;
}

/** The closing report: what `--json` prints. */
export interface Report {
  readonly right: boolean;
  readonly problems: readonly string[];
  readonly seed: number;
  readonly speed: number;
  readonly scenario: string;
  readonly seconds: number;
  readonly positions_per_s: number;
  readonly tenants: readonly TenantFigures[];
  readonly services: readonly ServiceFigures[];
  readonly webhooks: RunResult['dispatch'] & { readonly forged_status: number };
  readonly expected: Expectation['counts'];
}

function sum(units: readonly UnitCount[], field: keyof UnitCount): number {
  return units.reduce((total, unit) => total + unit[field], 0);
}

/** Totals that must be as the recording and the fault script say, each in one line if not. */
function countProblems(
  tenant: string,
  report: TenantReport,
  expected: Expectation['counts'] | undefined,
): string[] {
  if (expected === undefined) return [`${tenant}: no expectation`];
  const rejected = (...codes: readonly string[]): number =>
    report.dead_letters
      .filter(({ code }) => codes.includes(code))
      .reduce((total, { elements }) => total + elements, 0);
  const refused = report.dead_letters.reduce((total, { elements }) => total + elements, 0);
  const pairs: readonly [string, number, number][] = [
    ['trips', report.trips.current, expected.trips],
    ['site visits', report.site_visits.current, expected.visits],
    ['open tasks', report.beyond_grace.open_tasks, expected.tasks],
    ['fixes beyond grace', report.beyond_grace.fixes, expected.beyond_grace],
    ['fixes from the future', rejected('FUTURE_TIME'), expected.future],
    ['fixes of ancient times', rejected('ANCIENT_TIME'), expected.ancient],
    ['malformed messages', refused - rejected('FUTURE_TIME', 'ANCIENT_TIME'), expected.malformed],
    ['parked now', report.waiting, 0],
  ];
  return pairs
    .filter(([, found, wanted]) => found !== wanted)
    .map(([what, found, wanted]) => `${tenant}: ${found} ${what}, expected ${wanted}`);
}

/** Gathers the figures of a finished run; the system is still up and quiet. */
export async function gatherReport(
  system: System,
  run: {
    readonly seed: number;
    readonly speed: number;
    readonly scenario: string;
    readonly result: RunResult;
    readonly verdict: Verdict;
    readonly baseline: ReadonlyMap<string, BaselineResult>;
  },
): Promise<Report> {
  const store = await call<Store>(`${system.twinUrl}/twin/store`);
  const { tenants: reports } = await call<{ tenants: readonly TenantReport[] }>(
    `${system.url('reconciler')}/report`,
  );
  const problems = [...run.verdict.problems];
  const tenants: TenantFigures[] = [];
  for (const [tenant, verdict] of run.verdict.tenants) {
    const report = reports.find((candidate) => candidate.tenant_id === tenant);
    const units = store.accounts.find((candidate) => candidate.account === tenant)?.units ?? [];
    if (report === undefined) {
      problems.push(`${tenant}: the ledger knows nothing of this tenant`);
      continue;
    }
    const reconciled = await call<Reconciliation>(`${system.url('reconciler')}/reconcile`, {
      tenant,
    });
    const held = sum(units, 'distinct');
    const figures: TenantFigures = {
      tenant,
      provider_messages: sum(units, 'registered'),
      provider_distinct: held,
      report,
      gaps_provider: held - report.positions.distinct,
      gaps_erp: reconciled.gaps.length,
      drift: reconciled.drift.length,
      baseline: run.baseline.get(tenant) ?? null,
      erp_rows: verdict.rows.trips + verdict.rows.visits + verdict.rows.orders,
      hash: verdict.hash,
    };
    tenants.push(figures);
    if (figures.gaps_provider !== 0) {
      problems.push(
        `${tenant}: the provider holds ${held} messages, the ledger ${report.positions.distinct}`,
      );
    }
    problems.push(
      ...countProblems(tenant, report, run.verdict.expectation.tenants[tenant]?.counts),
    );
    if (figures.gaps_erp + figures.drift > 0) {
      problems.push(
        `${tenant}: the reconciler finds ${figures.gaps_erp} gaps, ${figures.drift} drifts`,
      );
    }
  }
  const { refused } = run.result.dispatch;
  if (refused > 0) problems.push(`${refused} signed webhooks were refused`);
  if (run.result.forgedStatus !== 401) {
    problems.push(`a forged webhook was answered ${run.result.forgedStatus}, not 401`);
  }
  const positions = tenants.reduce((total, { report }) => total + report.positions.distinct, 0);
  return {
    right: problems.length === 0,
    problems,
    seed: run.seed,
    speed: run.speed,
    scenario: run.scenario,
    seconds: Math.round(run.result.seconds * 10) / 10,
    positions_per_s: Math.round(positions / run.result.seconds),
    tenants,
    services: [...system.services.values()].map((service) => ({
      name: service.name,
      cpu_us_per_position: Math.round((service.cpuSeconds() * 1e6) / Math.max(1, positions)),
      peak_rss_mb: Math.round(service.peakRssBytes() / 1e6),
      restarts: service.restarts(),
    })),
    webhooks: { ...run.result.dispatch, forged_status: run.result.forgedStatus },
    expected: run.verdict.expectation.counts,
  };
}
