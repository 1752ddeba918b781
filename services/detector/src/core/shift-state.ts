import type { Cause, RawAddress } from '@waybill/contracts';
import { hashId } from '@waybill/domain';
import { inherit } from './inherit.ts';
import { cutShifts, shiftHash, type Activity, type ShiftCut } from './shift-cut.ts';

/** A shift that was published and may still change. */
interface Said {
  readonly id: string;
  readonly from: number;
  readonly to: number;
  readonly hash: string;
  readonly revision: number;
  readonly isFinal: boolean;
}

/** All that is known of one driver; saved as JSON. */
export interface DriverState {
  readonly activities: readonly Activity[];
  readonly said: readonly Said[];
}

export const NO_DRIVER: DriverState = Object.freeze({
  activities: Object.freeze([]),
  said: Object.freeze([]),
});

/** What a version of a shift was published for. */
export interface ShiftOccasion {
  readonly cause: Cause;
  readonly providerTime: number;
  readonly receivedTime: number;
  readonly lateByS: number;
  readonly trace: RawAddress;
}

export interface ShiftTimes {
  readonly restMs: number;
  /** From the end of the rest until nothing within grace can change a shift, ms. */
  readonly settlingMs: number;
  /** T, ms; undefined while a task of the first stage was never heard of. */
  readonly clock: number | undefined;
}

/** A version to publish; `cut` is undefined for a withdrawn one. */
export interface ShiftVersion {
  readonly said: Said;
  readonly cut: ShiftCut | undefined;
  readonly replacedBy: string | null;
}

/** How long a shift is kept after it is final, ms. */
const KEPT_MS = 86_400_000;

/** Takes an activity in; undefined when a version as new is known. */
export function withActivity(
  state: DriverState,
  activity: Activity,
  isRetracted: boolean,
): DriverState | undefined {
  const known = state.activities.find(({ id }) => id === activity.id);
  if (known !== undefined && known.revision >= activity.revision) return undefined;
  const others = state.activities.filter(({ id }) => id !== activity.id);
  if (isRetracted) return known === undefined ? undefined : { ...state, activities: others };
  return { ...state, activities: [...others, activity] };
}

function isFinal(to: number, { clock, restMs, settlingMs }: ShiftTimes): boolean {
  return clock !== undefined && clock > to + restMs + settlingMs;
}

/** When the driver needs attention although nothing arrives, ms. */
export function dueOf(state: DriverState, { restMs, settlingMs }: ShiftTimes): number {
  let due = Infinity;
  for (const { to, isFinal: final } of state.said) {
    due = Math.min(due, to + restMs + settlingMs + 1 + (final ? KEPT_MS : 0));
  }
  return due;
}

function versionOf(
  key: string,
  cut: ShiftCut,
  old: Said | undefined,
  times: ShiftTimes,
  receivedTime: number,
): Said {
  const [hash, final] = [shiftHash(cut), isFinal(cut.to, times)];
  if (old?.hash === hash && old.isFinal === final) return old;
  return {
    id: old?.id ?? hashId('shift', key, cut.from),
    from: cut.from,
    to: cut.to,
    hash,
    revision: Math.max((old?.revision ?? -1) + 1, receivedTime),
    isFinal: final,
  };
}

/** Lets go of shifts that were final for a day, and of what they were cut from. */
function trimmed(state: DriverState, { restMs, settlingMs, clock }: ShiftTimes): DriverState {
  const before = clock === undefined ? -Infinity : clock - restMs - settlingMs - KEPT_MS;
  const gone = state.said.filter(({ to, isFinal: final }) => final && to < before);
  const end = Math.max(-Infinity, ...gone.map(({ to }) => to));
  return {
    activities: state.activities.filter(({ to }) => to > end),
    said: state.said.filter((entry) => !gone.includes(entry)),
  };
}

/** The shifts that the activities give now, against the published ones: withdrawals first. */
export function settleDriver(
  key: string,
  state: DriverState,
  times: ShiftTimes,
  receivedTime: number,
): { readonly state: DriverState; readonly versions: readonly ShiftVersion[] } {
  const cuts = cutShifts(state.activities, times.restMs);
  const { heirs, ancestors, closest } = inherit(state.said, cuts);
  const versions: ShiftVersion[] = [];
  const said = cuts.map((cut, index) => {
    const old = state.said[ancestors[index] ?? -1];
    const now = versionOf(key, cut, old, times, receivedTime);
    if (now !== old) versions.push({ said: now, cut, replacedBy: null });
    return now;
  });
  const withdrawn = state.said.flatMap((old, index): ShiftVersion[] => {
    if (heirs[index] !== undefined) return [];
    const revision = Math.max(old.revision + 1, receivedTime);
    const replacedBy = said[closest[index] ?? -1]?.id ?? null;
    return [{ said: { ...old, revision }, cut: undefined, replacedBy }];
  });
  const next = trimmed({ activities: state.activities, said }, times);
  return { state: next, versions: [...withdrawn, ...versions] };
}
