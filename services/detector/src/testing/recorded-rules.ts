import { join } from 'node:path';
import type { Rules } from '../core/rules.ts';
import { everyRule } from './fixes.ts';
import {
  areasOf,
  compareCrossings,
  compareTrips,
  detectRecording,
  fixesOf,
  hasSpeed,
  rowsOf,
  type CrossingDifference,
  type TripDifference,
} from './recorded.ts';

/** Default rules with the outlier filter and interpolation off; movement by speed where there is one. */
function referenceRules(folder: string, recording: string, isSpeed: boolean): Rules {
  const every = everyRule(areasOf(folder, recording));
  return {
    ...every,
    trip: { ...every.trip, movementSource: isSpeed ? 'speed' : 'position' },
    outlierSpeedKmh: Infinity,
    visit: { ...every.visit, interpolateMs: 0 },
  };
}

/** Our trips and visits against the references of a recording. */
export function compareRecording(
  folder: string,
  recording: string,
  events: readonly Readonly<Record<string, string>>[],
): { readonly trips: TripDifference; readonly crossings: CrossingDifference } {
  const vehicles = fixesOf(folder, recording, 'first');
  const ruled = referenceRules(folder, recording, hasSpeed(vehicles));
  const { trips } = detectRecording(vehicles, ruled);
  const { visits } = detectRecording(fixesOf(folder, recording, 'smallest'), ruled);
  return {
    trips: compareTrips(trips, rowsOf(join(folder, recording, 'reference_trips_simple_rule'))),
    crossings: compareCrossings(
      visits,
      events.filter((row) => row['dataset'] === recording),
    ),
  };
}
