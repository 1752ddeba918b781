import type { RawAddress, ShiftWorked } from '@waybill/contracts';
import { hashId } from '@waybill/domain';

/** What a driver did in one trip. */
export interface Activity {
  readonly id: string;
  readonly unit: string;
  readonly eventId: string;
  /** ms. */
  readonly from: number;
  readonly to: number;
  readonly movingS: number;
  readonly revision: number;
  readonly trace: RawAddress;
  /** The trip that it is part of: its first and last fix, how many there are, and their hash. */
  readonly firstFix: RawAddress | null;
  readonly lastFix: RawAddress | null;
  readonly fixCount: number;
  readonly inputsHash: string | null;
}

/** Activities with less than a rest between them. */
export interface ShiftCut {
  readonly from: number;
  readonly to: number;
  readonly activities: readonly Activity[];
}

/**
 * Shifts of one driver: a rest of `restMs` between the end of all activities so far and the next start ends
 * one, whatever the vehicles, and whatever the day. Order of arrival does not matter.
 */
export function cutShifts(activities: readonly Activity[], restMs: number): ShiftCut[] {
  const sorted = activities.toSorted(
    (a, b) => a.from - b.from || a.to - b.to || (a.id < b.id ? -1 : 1),
  );
  const shifts: ShiftCut[] = [];
  for (const activity of sorted) {
    const open = shifts.at(-1);
    if (open === undefined || activity.from - open.to >= restMs) {
      shifts.push({ from: activity.from, to: activity.to, activities: [activity] });
    } else {
      const to = Math.max(open.to, activity.to);
      shifts[shifts.length - 1] = { ...open, to, activities: [...open.activities, activity] };
    }
  }
  return shifts;
}

/** Raw addresses of the first and the last fix of a shift, and how many fixes its trips were cut from. */
export function fixesOf({
  activities,
}: ShiftCut): Pick<ShiftWorked, 'first_fix' | 'last_fix' | 'fix_count'> {
  let last = activities[0];
  let count = 0;
  for (const activity of activities) {
    if (activity.to > (last?.to ?? -Infinity)) last = activity;
    count += activity.fixCount;
  }
  const first_fix = activities[0]?.firstFix ?? null;
  return { first_fix, last_fix: last?.lastFix ?? null, fix_count: count };
}

/** 16 hex digits over what a shift was cut from. */
export function shiftHash({ activities }: ShiftCut): string {
  const said = activities.map(({ eventId, from, to, movingS, inputsHash }) => {
    return [eventId, from, to, movingS, inputsHash];
  });
  return hashId('shift', JSON.stringify(said)).slice(0, 16);
}
