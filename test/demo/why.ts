import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Scenario } from '@waybill/wialon-twin';
import type { System } from './system.ts';

const run = promisify(execFile);

/** A trip worth a look: the one that arrived after the ERP had closed its day, else any. */
async function interestingTrip(
  system: System,
): Promise<{ tenant: string; trip: string } | undefined> {
  const queries: readonly [string, string][] = [
    [
      'hudson-waste',
      "select doc_ref as trip from fleetops.adjustment where doc_kind = 'HAUL' and adj_kind = 'NEW' and unit_no = 'TRK-E-8' order by ver_a limit 1",
    ],
    [
      'bay-cabs',
      'select trip_ref as trip from erp.trip where not withdrawn order by trip_no limit 1',
    ],
  ];
  for (const [tenant, query] of queries) {
    const result = await system.erp.get(tenant)?.query<{ trip: string }>(query);
    const trip = result?.rows[0]?.trip;
    if (trip !== undefined) return { tenant, trip };
  }
  return undefined;
}

/** `waybill why` for one trip: from API call and message window to ERP row. */
export async function renderWhy(system: System, scenario: Scenario): Promise<string> {
  const found = await interestingTrip(system);
  if (found === undefined) return `no trip in the recording ${scenario.name} yet`;
  const cli = new URL('../../packages/cli/src/main.ts', import.meta.url).pathname;
  const { tenant, trip } = found;
  const { stdout } = await run(process.execPath, [
    cli,
    'why',
    trip,
    ...['--tenant', tenant],
    ...['--console', system.url('console')],
  ]);
  return `waybill why ${trip}\n${stdout}`;
}
