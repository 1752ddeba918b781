import { secondOf } from './calendar.ts';
import type { RowTrouble, Scenario, ScenarioAccount, TrackRow, Trouble } from './files.ts';
import type { Fix } from './fixes.ts';

/** Everything an account's server holds at the end of the window. */
export interface Registered {
  /** Messages with a position, repeats included, in no particular order. */
  readonly fixes: readonly Fix[];
  readonly malformed: number;
  /** Recorded fixes whose registration the plan moved within grace. */
  readonly late: number;
}

/** Unit names by vehicle: item ids ascend from the account's first one in string order of the vehicles. */
export function unitsOf(account: ScenarioAccount, track: readonly TrackRow[]): Map<string, string> {
  const vehicles = [...new Set(track.map(({ vehicle }) => vehicle))].sort();
  return new Map(vehicles.map((vehicle, i) => [vehicle, `wialon:${account.first_unit_id + i}`]));
}

/** Registration delay of a track that records none: 2 to 10 s. */
function delayOf(t: number, unit: string): number {
  return 2 + ((Math.trunc(t) * 7919 + Number(unit.slice('wialon:'.length)) * 104_729) % 9);
}

/** The recording with the plan's deviations, up to the cut. */
export function registered(
  scenario: Scenario,
  account: ScenarioAccount,
  track: readonly TrackRow[],
  trouble: readonly Trouble[],
): Registered {
  const cut = secondOf(account.base_time) + scenario.cut_s;
  const historyFrom = secondOf(account.history_from);
  const units = unitsOf(account, track);
  const own = trouble.filter((operation) => operation.account === account.account);
  const moves = new Map<number, RowTrouble>();
  const repeats: RowTrouble[] = [];
  for (const operation of own) {
    if (!('row' in operation)) continue;
    if (operation.op === 'repeat') repeats.push(operation);
    else moves.set(operation.row, operation);
  }
  const fixOf = (row: number, rt?: number): Fix | undefined => {
    const found = track[row];
    const unit = units.get(found?.vehicle ?? '');
    if (found === undefined || unit === undefined)
      throw new RangeError(`no row ${row} in the track`);
    const { t, lat, lon } = found;
    if (account.registration === 'derived' && t < historyFrom) return undefined;
    const recorded = account.registration === 'derived' ? t + delayOf(t, unit) : found.rt;
    return { unit, t, lat, lon, rt: rt ?? recorded ?? NaN };
  };
  const fixes = [
    ...track.map((_, row) => fixOf(row, moves.get(row)?.rt)),
    ...repeats.map(({ row, rt }) => fixOf(row, rt)),
    ...own.map((operation): Fix | undefined => {
      if (operation.op !== 'future') return undefined;
      const { t, lat, lon, rt } = operation;
      return { unit: `wialon:${operation.unit}`, t, lat, lon, rt };
    }),
  ];
  return {
    fixes: fixes.filter((fix) => fix !== undefined).filter(({ rt }) => rt <= cut),
    malformed: own.filter((operation) => operation.op === 'malformed' && operation.rt <= cut)
      .length,
    late: [...moves.values()].filter(({ op, rt }) => op !== 'beyond' && rt <= cut).length,
  };
}
