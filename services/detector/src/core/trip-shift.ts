import { sameDrivers } from './drivers.ts';
import { isCopy, passFix } from './fix-codec.ts';
import { joined, without, type Inputs } from './inputs.ts';
import type { Shift } from './rule.ts';
import { readTally, writeTally } from './trip-codec.ts';
import type { Run, Tally, TripCut } from './trip-fold.ts';

/** What one tally has more than another. */
interface Difference {
  readonly distanceM: number;
  readonly inputs: Inputs;
  readonly risenM: number;
  readonly readings: number;
  readonly leftOut: number;
}

function inputsOf({ fixCount: count, inputsHigh: high, inputsLow: low }: Tally): Inputs {
  return { count, high, low };
}

/** Undefined where they differ in more than sums. */
function differenceOf(now: Tally, before: Tally): Difference | undefined {
  const [a, b] = [now.meter, before.meter];
  if (a.odometerKm !== b.odometerKm || a.isPrivate !== b.isPrivate) return undefined;
  if (!sameDrivers(now.drivers, before.drivers)) return undefined;
  return {
    distanceM: now.distanceM - before.distanceM,
    inputs: without(inputsOf(now), inputsOf(before)),
    risenM: a.risenM - b.risenM,
    readings: a.readings - b.readings,
    leftOut: a.leftOut - b.leftOut,
  };
}

function moved(tally: Tally, more: Difference): Tally {
  const { meter } = tally;
  const { count, high, low } = joined(inputsOf(tally), more.inputs);
  return {
    distanceM: tally.distanceM + more.distanceM,
    fixCount: count,
    inputsHigh: high,
    inputsLow: low,
    drivers: tally.drivers,
    meter: {
      ...meter,
      risenM: meter.risenM + more.risenM,
      readings: meter.readings + more.readings,
      leftOut: meter.leftOut + more.leftOut,
    },
  };
}

/**
 * How later runs differ when a fix more or less changed nothing but sums. What was added up to the last
 * moving fix stays with the run as long as that is its end; once it has moved on, all counts.
 */
export function shiftOfRun(
  now: Run | undefined,
  before: Run | undefined,
): Shift<Run | undefined, TripCut> | undefined {
  if (now === undefined || before === undefined) return undefined;
  const { start, end } = now;
  if (!isCopy(start, before.start) || !isCopy(end, before.end)) return undefined;
  if (now.standingSince !== before.standingSince) return undefined;
  const toEnd = differenceOf(now.toEnd, before.toEnd);
  const toLast = differenceOf(now.toLast, before.toLast);
  if (toEnd === undefined || toLast === undefined) return undefined;
  return {
    state: (later) => {
      if (later === undefined || !isCopy(later.start, start)) return later;
      const more = isCopy(later.end, end) ? toEnd : toLast;
      return { ...later, toEnd: moved(later.toEnd, more), toLast: moved(later.toLast, toLast) };
    },
    move: (later, newest, writer) => {
      if (later.u8() === 0 || newest() + passFix(later) !== start.time) return false;
      const more = start.time + passFix(later) === end.time ? toEnd : toLast;
      writer.append(later.passed);
      writeTally(writer, moved(readTally(later), more));
      writeTally(writer, moved(readTally(later), toLast));
      writer.append(later.rest);
      return true;
    },
    cut: (cut) => {
      if (!isCopy(cut.start, start)) return cut;
      return { ...cut, tally: moved(cut.tally, isCopy(cut.end, end) ? toEnd : toLast) };
    },
  };
}
