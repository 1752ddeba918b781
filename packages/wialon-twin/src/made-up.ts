import type { FleetSettings } from './fleet/fleet-store.ts';
import { quiet, type Scenario } from './scenario.ts';

const FIRST_RESOURCE = 600;
const FIRST_UNIT = 100_001;
const ID_STEP = 1_000_000;

/** A scenario of made-up fleets, one per account; elapsed 0 is `baseTime`. */
export function madeUpFleets(options: {
  readonly accounts: readonly string[];
  readonly fleet: FleetSettings;
  /** Instant. */
  readonly baseTime: string;
  readonly durationS: number;
  readonly pushUrl?: string;
}): Scenario {
  const { accounts, fleet, baseTime, durationS, pushUrl } = options;
  return {
    name: 'made-up fleets',
    duration_s: durationS,
    cut_s: durationS,
    accounts: accounts.map((account, index) => ({
      account,
      tenant: account,
      zone: 'UTC',
      track: '',
      base_time: baseTime,
      history_from: baseTime,
      resource_id: FIRST_RESOURCE + index * 100,
      first_unit_id: FIRST_UNIT + index * ID_STEP,
      zones: account,
      registration: 'recorded',
      equipment: 'full',
      fleet,
      ...(pushUrl !== undefined && { push_url: pushUrl }),
    })),
    ...quiet,
  };
}
