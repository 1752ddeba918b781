import type { Stack } from '@waybill/stack';
import { tokenOf } from '@waybill/wialon-twin';
import pg from 'pg';
import { compareBaseline } from '../baseline/compare.ts';
import { supervise, type Supervised } from './processes.ts';
import type { BaselineResult } from './report.ts';
import type { Scenario } from '@waybill/wialon-twin';
import type { System } from './system.ts';
import type { Expectation } from './verdict.ts';

const script = new URL('../baseline/script.ts', import.meta.url).pathname;
/** Wall time between two polls of the script: ten minutes of data at the default speed. */
const INTERVAL_MS = 3000;

/** The usual scripts, one per tenant, beside the system and on the same input. */
export interface Baselines {
  readonly urls: ReadonlyMap<string, string>;
  readonly stop: () => Promise<void>;
}

/** Starts one script per account, each with a database of its own. */
export async function startBaselines(
  system: System,
  stack: Stack,
  scenario: Scenario,
): Promise<Baselines> {
  const urls = new Map<string, string>();
  const processes: Supervised[] = [];
  for (const { tenant, account, zone } of scenario.accounts) {
    const url = await stack.createDatabase(`script_${tenant}`.replaceAll('-', '_'));
    urls.set(tenant, url);
    processes.push(
      supervise({
        name: `script-${tenant}`,
        script,
        args: [
          ...['--twin', system.twinUrl, '--account', account, '--token', tokenOf(account, 2)],
          ...['--database', url, '--zone', zone, '--interval-ms', String(INTERVAL_MS)],
        ],
        env: {},
        port: 0,
        logDir: `${system.dir}/logs`,
        onGivenUp: () => undefined,
      }),
    );
  }
  return {
    urls,
    stop: async () => {
      await Promise.all(processes.map((process) => process.stop()));
    },
  };
}

interface ScriptRow {
  readonly vehicle: string;
  readonly start_time: Date;
  readonly end_time: Date;
  readonly date: string;
}

/** What the scripts wrote, compared with what should be there. */
export async function readBaselines(
  { urls }: Baselines,
  expectation: Expectation,
): Promise<ReadonlyMap<string, BaselineResult>> {
  const results = new Map<string, BaselineResult>();
  for (const [tenant, url] of urls) {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      const { rows } = await client.query<ScriptRow>(
        'select vehicle, start_time, end_time, business_date::text as date from script_trip',
      );
      const trips = rows.map(({ vehicle, start_time, end_time, date }) => ({
        vehicle,
        start: start_time.getTime(),
        end: end_time.getTime(),
        businessDate: date,
      }));
      results.set(tenant, compareBaseline(trips, expectation.tenants[tenant]?.trips ?? []));
    } finally {
      await client.end();
    }
  }
  return results;
}
