/**
 * What the ERPs must contain after a run: computed from the recording, the scenario, the trouble plan, the
 * id maps and the sites, by code that shares nothing with the product.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type Amended, amendedOf } from './amendments.ts';
import { localDate, secondOf } from './calendar.ts';
import {
  type Company,
  type Fact,
  type Facts,
  factsOf,
  type TripRow,
  type VisitRow,
} from './erp-rows.ts';
import {
  readCsv,
  readGraceHours,
  readScenario,
  readSites,
  readTrack,
  readTrouble,
  type Scenario,
  type ScenarioAccount,
  tracksBeside,
  type Trouble,
} from './files.ts';
import { type Identified, judge, type Verdict, withoutRepeats } from './fixes.ts';
import { IdMap } from './id-map.ts';
import { registered, unitsOf } from './registered.ts';

/** How much there was of everything, per tenant and in sum. */
export interface Counts {
  /** All messages on the server: repeats, malformed and future ones included. */
  readonly registered: number;
  /** Different fixes (device second and position to 1e-5 degree) of well-formed messages. */
  readonly distinct: number;
  readonly repeats: number;
  /** Fixes whose registration the plan moved by minutes to hours, within grace. */
  readonly late: number;
  readonly beyond_grace: number;
  /** One per unit and business day with a fix beyond grace. */
  readonly tasks: number;
  readonly malformed: number;
  readonly future: number;
  readonly ancient: number;
  readonly accepted: number;
  readonly trips: number;
  readonly visits: number;
  /** Trips and visits that had to wait when the missing id was mapped. */
  readonly parked: number;
  /** Trips that never become rows, because nobody maps their vehicle. */
  readonly unmapped: number;
  /** Trips of closed business days whose content at the closing instant differs from the end. */
  readonly late_by_close: number;
  /** The same for visits. */
  readonly visits_late_by_close: number;
}

export interface ExpectedTenant {
  /** In order of vehicle, then start. */
  readonly trips: readonly TripRow[];
  /** In order of vehicle, then entry, then site. */
  readonly visits: readonly VisitRow[];
  /** What must be amended, by closed business day. */
  readonly amendments: readonly {
    readonly business_date: string;
    readonly trips: readonly Amended<TripRow>[];
    readonly visits: readonly Amended<VisitRow>[];
  }[];
  readonly counts: Counts;
  /** SHA-256 over the canonical JSON of trips and visits. */
  readonly sha256: string;
}

export interface Expectation {
  readonly tenants: Readonly<Record<string, ExpectedTenant>>;
  readonly counts: Counts;
}

/** Reads the files of a run and says what its ERPs must contain. `tenantsDir` holds a folder per tenant. */
export function expect(scenarioFile: string, troubleFile: string, tenantsDir: string): Expectation {
  const scenario = readScenario(scenarioFile);
  const trouble = readTrouble(troubleFile);
  const tenants = Object.fromEntries(
    scenario.accounts.map((account) => [
      account.tenant,
      expectTenant(scenario, account, trouble, tracksBeside(scenarioFile), tenantsDir),
    ]),
  );
  return { tenants, counts: sum(Object.values(tenants).map(({ counts }) => counts)) };
}

function expectTenant(
  scenario: Scenario,
  account: ScenarioAccount,
  trouble: readonly Trouble[],
  tracks: string,
  tenantsDir: string,
): ExpectedTenant {
  const { tenant, zone } = account;
  const folder = join(tenantsDir, tenant);
  const graceS = readGraceHours(folder) * 3600;
  const track = readTrack(tracks, account.track);
  const { fixes, malformed, late } = registered(scenario, account, track, trouble);
  const distinct = withoutRepeats(tenant, fixes);
  const judged = Map.groupBy(distinct, ({ fix }) => judge(fix, graceS));
  const of = (verdict: Verdict): Identified[] => judged.get(verdict) ?? [];
  const accepted = of('accepted');
  const base = secondOf(account.base_time);
  const at = (elapsed: number, verdictTime = elapsed): Facts =>
    factsOf(
      companyAt(scenario, account, track, tracks, folder, verdictTime),
      accepted.filter(({ fix }) => fix.rt <= base + elapsed),
      base + elapsed,
    );
  const final = at(scenario.duration_s);
  const amendments = scenario.closings
    .filter((closing) => closing.tenant === tenant && closing.at_elapsed_s <= scenario.duration_s)
    .map(({ business_date, at_elapsed_s }) => {
      const then = at(at_elapsed_s);
      return {
        business_date,
        trips: amendedOf(business_date, then.trips, final.trips),
        visits: amendedOf(business_date, then.visits, final.visits),
      };
    });
  const trips = rowsOf(final.trips, (row) => [row.vehicle_id, row.start_time]);
  const visits = rowsOf(final.visits, (row) => [row.vehicle_id, row.entered_time, row.site_id]);
  const taskKeys = of('beyond_grace').map(({ fix }) => `${fix.unit} ${localDate(fix.t, zone)}`);
  const counts: Counts = {
    registered: fixes.length + malformed,
    distinct: distinct.length,
    repeats: fixes.length - distinct.length,
    late,
    beyond_grace: of('beyond_grace').length,
    tasks: new Set(taskKeys).size,
    malformed,
    future: of('future').length,
    ancient: of('ancient').length,
    accepted: accepted.length,
    trips: trips.length,
    visits: visits.length,
    parked: parkedOf(scenario, tenant, at),
    unmapped: final.trips.length - trips.length,
    late_by_close: amendments.reduce((n, day) => n + day.trips.length, 0),
    visits_late_by_close: amendments.reduce((n, day) => n + day.visits.length, 0),
  };
  const sha256 = createHash('sha256').update(JSON.stringify({ trips, visits })).digest('hex');
  return { trips, visits, amendments, counts, sha256 };
}

/** Ids and sites as the tenant's ERP side knows them when the clock stands at `elapsed` seconds. */
function companyAt(
  scenario: Scenario,
  account: ScenarioAccount,
  track: Parameters<typeof unitsOf>[1],
  tracks: string,
  folder: string,
  elapsed: number,
): Company {
  const { tenant, vehicle_id, mapped_at_elapsed_s } = scenario.unmapped;
  const ids = new IdMap(readCsv(join(folder, 'idmap.csv')));
  const unit = unitsOf(account, track).get(vehicle_id);
  if (tenant === account.tenant && unit !== undefined && elapsed >= mapped_at_elapsed_s) {
    ids.addForever('vehicle', unit, `TRK-${vehicle_id}`);
  }
  const sites = readSites(tracks, account.zones).map(({ number, ring }) => ({
    id: `wialon:${account.resource_id}_${number}`,
    ring,
  }));
  return { zone: account.zone, sites, ids };
}

/** Facts that stood without a row just before the missing id was mapped. */
function parkedOf(
  scenario: Scenario,
  tenant: string,
  at: (elapsed: number, verdictTime?: number) => Facts,
): number {
  const { mapped_at_elapsed_s: mapped } = scenario.unmapped;
  if (tenant !== scenario.unmapped.tenant) return 0;
  const { trips, visits } = at(mapped, mapped - 1);
  return [...trips, ...visits].filter(({ row }) => row === undefined).length;
}

function rowsOf<Row>(facts: readonly Fact<Row>[], keyOf: (row: Row) => string[]): Row[] {
  const keyed = facts
    .map(({ row }) => row)
    .filter((row) => row !== undefined)
    .map((row) => ({ row, key: keyOf(row).join(' ') }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ row }) => row);
}

function sum(all: readonly Counts[]): Counts {
  const [first, ...rest] = all;
  if (first === undefined) throw new Error('a scenario without accounts');
  const entries = Object.entries(first) as [keyof Counts, number][];
  return Object.fromEntries(
    entries.map(([name, value]) => [name, rest.reduce((n, counts) => n + counts[name], value)]),
  ) as unknown as Counts;
}
