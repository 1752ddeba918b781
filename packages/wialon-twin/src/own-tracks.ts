import { readdirSync } from 'node:fs';
import { readRecording } from './recording.ts';
import { quiet, type Scenario, type ScenarioAccount } from './scenario.ts';

export interface OwnTracksOptions {
  /** A folder with one CSV per account. */
  readonly folder: string;
  /** Epoch seconds at which the recordings are to start; undefined = when they were made. */
  readonly startAt: number | undefined;
}

const FIRST_RESOURCE = 600;
const FIRST_UNIT = 7001;
/** Ids of the nth account start this much higher. */
const ID_STEP = 10_000;
/** The newest message is registered up to this long after it was made. */
const REGISTRATION_S = 60;

const instant = (seconds: number): string => new Date(seconds * 1000).toISOString();

/**
 * A scenario of one's own recordings: every `<name>.csv` or `<name>.csv.gz` of the folder is an account of
 * that name with full equipment. Elapsed 0 is just before the first fix; live, all are shifted so that it is
 * `startAt`. Throws an Error that names the file and what is wrong with it.
 */
export function ownTracks({ folder, startAt }: OwnTracksOptions): Scenario {
  const names = readdirSync(folder)
    .filter((file) => /\.csv(\.gz)?$/.test(file))
    .map((file) => file.replace(/\.csv(\.gz)?$/, ''));
  const tracks = [...new Set(names)].sort();
  if (tracks.length === 0) throw new Error(`${folder}: no .csv and no .csv.gz file in it`);
  let duration = 0;
  const accounts = tracks.map((track, index): ScenarioAccount => {
    const recording = readRecording(track, folder);
    const { size, times } = recording;
    if (size === 0) throw new Error(`${track}.csv: no rows`);
    let [first, last] = [Infinity, -Infinity];
    for (const [row, t] of times.entries()) {
      first = Math.min(first, t);
      last = Math.max(last, recording.fix(row).rt ?? t);
    }
    duration = Math.max(duration, Math.ceil(last - first) + REGISTRATION_S);
    const base = Math.floor(first) - 1;
    const shift = startAt === undefined ? 0 : startAt - base;
    return {
      account: track,
      tenant: track,
      zone: 'UTC',
      track,
      folder,
      shift_s: shift,
      base_time: instant(base + shift),
      history_from: instant(base + shift),
      resource_id: FIRST_RESOURCE + index * 100,
      first_unit_id: FIRST_UNIT + index * ID_STEP,
      zones: track,
      registration: recording.fix(0).rt === undefined ? 'derived' : 'recorded',
      equipment: 'full',
    };
  });
  return {
    name: 'own tracks',
    duration_s: duration,
    cut_s: duration,
    accounts,
    ...quiet,
  };
}
