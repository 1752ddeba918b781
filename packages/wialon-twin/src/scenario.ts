import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseInstant } from '@waybill/domain';
import type { TimedFault } from './faults/timed-faults.ts';
import type { FleetSettings } from './fleet/fleet-store.ts';

/** A service after whose nth call in an account the calling session is expired. */
export interface SessionExpiry {
  readonly account: string;
  /** Service name as in `svc`, or `avl_evts`. */
  readonly call: string;
  /** 1-based, counted over the account since the start of the twin. */
  readonly nth: number;
}

export interface HeldBackTrip {
  readonly account: string;
  readonly vehicle_id: string;
  readonly trip_from: string;
  readonly trip_to: string;
  /** Instant at which all fixes of the trip are registered. */
  readonly arrives: string;
}

export interface TroubleShares {
  /** Repeats as a share of the messages registered inside the window. */
  readonly repeat_share: number;
  /** Late messages (1 min to 5 h) as a share of the messages registered inside the window. */
  readonly late_share: number;
  /** How many messages arrive 8 h late. */
  readonly beyond_grace: number;
  readonly malformed_per_kind: number;
  /** How many fixes carry a time in 2099. */
  readonly future: number;
  readonly held_back?: HeldBackTrip;
  readonly expire_session: readonly SessionExpiry[];
}

export interface ScenarioAccount {
  readonly account: string;
  readonly tenant: string;
  /** IANA zone of the company; the twin itself speaks UTC only. */
  readonly zone: string;
  /** Name of a file in tracks/. */
  readonly track: string;
  /** Data time at elapsed 0. */
  readonly base_time: string;
  /** Fixes before this are served only where the recording has registration times. */
  readonly history_from: string;
  readonly resource_id: number;
  readonly first_unit_id: number;
  /** `dataset` of the features of sites.geojson. */
  readonly zones: string;
  readonly registration: 'derived' | 'recorded';
  /** `full`: units have sensors, settings, drivers and message parameters. Default none. */
  readonly equipment?: 'none' | 'full';
  /** Folder of the track. Default: that of the shipped ones. */
  readonly folder?: string;
  /** Added to all times of the track, s. Default 0. */
  readonly shift_s?: number;
  /** A made-up fleet in place of the track. */
  readonly fleet?: FleetSettings;
  /** Where the account's notifications are pushed to. */
  readonly push_url?: string;
}

/** What runs: the window, the accounts, what the demo does at which moment, and the trouble to add. */
export interface Scenario {
  readonly name: string;
  /** Length of the window in seconds of data time; the clock stops there. */
  readonly duration_s: number;
  /** No message is registered later than this, so that every trip can close by silence. */
  readonly cut_s: number;
  readonly accounts: readonly ScenarioAccount[];
  readonly closings: readonly {
    readonly tenant: string;
    readonly business_date: string;
    readonly at_elapsed_s: number;
  }[];
  readonly unmapped: {
    readonly tenant: string;
    readonly vehicle_id: string;
    readonly mapped_at_elapsed_s: number;
  };
  readonly trouble: TroubleShares;
  /** Orders as in POST /twin/fault, each with the second at which it is carried out. */
  readonly faults?: readonly TimedFault[];
}

/** What a scenario that demonstrates nothing has beside its accounts: no closings, no trouble. */
export const quiet: Pick<Scenario, 'closings' | 'unmapped' | 'trouble'> = {
  closings: [],
  unmapped: { tenant: '', vehicle_id: '', mapped_at_elapsed_s: 0 },
  trouble: {
    repeat_share: 0,
    late_share: 0,
    beyond_grace: 0,
    malformed_per_kind: 0,
    future: 0,
    expire_session: [],
  },
};

/** Epoch seconds of an instant in a scenario file; throws when the text is not one. */
export function epochSeconds(text: string): number {
  const ms = parseInstant(text);
  if (ms === undefined) throw new Error(`expected an instant with its offset, found ${text}`);
  return ms / 1000;
}

/** Registration bounds of an account in epoch seconds. */
export function windowOf(
  scenario: Scenario,
  account: ScenarioAccount,
): { readonly base: number; readonly cut: number; readonly historyFrom: number } {
  const base = epochSeconds(account.base_time);
  return { base, cut: base + scenario.cut_s, historyFrom: epochSeconds(account.history_from) };
}

function check(scenario: Scenario, file: string): Scenario {
  const problem = (text: string): Error => new Error(`${file}: ${text}`);
  if (typeof scenario.name !== 'string') throw problem('name is missing');
  if (!(scenario.duration_s > 0)) throw problem('duration_s must be above 0');
  if (!(scenario.cut_s > 0 && scenario.cut_s <= scenario.duration_s)) {
    throw problem('cut_s must be above 0 and not above duration_s');
  }
  if (!Array.isArray(scenario.accounts) || scenario.accounts.length === 0) {
    throw problem('accounts must name at least one account');
  }
  for (const account of scenario.accounts) {
    epochSeconds(account.base_time);
    epochSeconds(account.history_from);
    if (!Number.isInteger(account.first_unit_id) || !Number.isInteger(account.resource_id)) {
      throw problem(`${account.account}: first_unit_id and resource_id must be integers`);
    }
  }
  if (typeof scenario.trouble !== 'object') throw problem('trouble is missing');
  return scenario;
}

function parse(json: string, file: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    throw new Error(`${file} is no JSON: ${message}`, { cause: error });
  }
}

/**
 * Reads a scenario: `demo` and `short` ship with the package, anything ending in .json is a path.
 * Throws an Error naming the file and what is wrong with it.
 */
export function readScenario(nameOrPath: string): Scenario {
  const file = nameOrPath.endsWith('.json')
    ? nameOrPath
    : join(import.meta.dirname, '..', 'scenarios', `${nameOrPath}.json`);
  // Mostly our own files: the shape is checked for what would otherwise fail far away from its cause.
  return check(parse(readFileSync(file, 'utf8'), file) as Scenario, file);
}
