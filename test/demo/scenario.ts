import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Scenario } from '@waybill/wialon-twin';

/** Address of a scenario file by name. */
export function scenarioFile(name: string): string {
  return new URL(`../../packages/wialon-twin/scenarios/${name}.json`, import.meta.url).pathname;
}

/** What the demo does when the data clock stands at `at_elapsed_s`. */
export type Step =
  | { readonly kind: 'close'; readonly at: number; readonly tenant: string; readonly date: string }
  | { readonly kind: 'map'; readonly at: number; readonly tenant: string; readonly vehicle: string }
  | { readonly kind: 'end'; readonly at: number };

/** The steps of a scenario in the order of the data clock. */
export function stepsOf(scenario: Scenario): readonly Step[] {
  const steps: Step[] = scenario.closings.map((closing) => ({
    kind: 'close',
    at: closing.at_elapsed_s,
    tenant: closing.tenant,
    date: closing.business_date,
  }));
  steps.push({
    kind: 'map',
    at: scenario.unmapped.mapped_at_elapsed_s,
    tenant: scenario.unmapped.tenant,
    vehicle: scenario.unmapped.vehicle_id,
  });
  steps.push({ kind: 'end', at: scenario.duration_s });
  return steps.toSorted((a, b) => a.at - b.at);
}

/** Unit of a vehicle of the recording: ids count up in the order of the vehicles' names. */
export function unitOfVehicle(scenario: Scenario, tenant: string, vehicle: string): string {
  const account = scenario.accounts.find((candidate) => candidate.tenant === tenant);
  if (account === undefined) throw new Error(`the scenario has no account of ${tenant}`);
  const track = new URL(
    `../../packages/wialon-twin/tracks/${account.track}.csv.gz`,
    import.meta.url,
  );
  const lines = gunzipSync(readFileSync(track)).toString('utf8').split('\n').slice(1);
  const names = [...new Set(lines.map((line) => line.split(',')[0] ?? ''))]
    .filter(Boolean)
    .toSorted();
  const index = names.indexOf(vehicle);
  if (index < 0) throw new Error(`the recording has no vehicle ${vehicle}`);
  return `wialon:${account.first_unit_id + index}`;
}
