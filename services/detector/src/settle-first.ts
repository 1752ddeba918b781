import type { PositionRecorded, RawAddress, SignalRecorded } from '@waybill/contracts';
import { fixOf, secondOf } from './core/fix.ts';
import type { Held } from './held.ts';
import type { TenantState } from './tenant-state.ts';
import type { Touched, Turn } from './turn.ts';

/** True for elements of the same page or request. */
function isOfOneRecord(a: RawAddress, b: RawAddress): boolean {
  return a.offset === b.offset && a.partition === b.partition && a.topic === b.topic;
}

/** True when the fixes of a turn and this one would give other ids together than one after the other. */
function wouldMix(
  touched: Touched,
  { clock }: TenantState,
  position: PositionRecorded | SignalRecorded,
): boolean {
  const { arrivals, held } = touched;
  const { timeline } = held.unit;
  const newest = arrivals.at(-1);
  if (newest === undefined || isOfOneRecord(newest.fix.address, position.trace)) return false;
  // Silence that T noticed before this fix came may have closed what it opens again.
  if (clock !== touched.clock && clock !== undefined && position.event_time <= clock) return true;
  if (newest.isLate) return true;
  if (secondOf(position.event_time) > secondOf(timeline.newestTime)) return false;
  return !timeline.knows(fixOf(position));
}

/**
 * True when a unit has to be settled before this record joins it. An id is made of the start under which a
 * fact is first published; late fixes move starts, so those of one raw record are published as if they had
 * come in a batch of their own. So ids follow from the order of the log, not from where batches end; only an
 * end within the late fixes of one unit and raw record may give other ones.
 */
export function comesAfter(
  position: PositionRecorded | SignalRecorded,
  tenant: TenantState,
  held: Held,
  turn: Turn,
): boolean {
  const touched = turn.touched.get(held);
  if (touched?.binding !== undefined) return true;
  const { clock } = tenant;
  const isDue = clock !== undefined && held.due <= clock && turn.clocks.has(tenant.tenantId);
  if (touched === undefined || touched.arrivals.length === 0) return isDue;
  return wouldMix(touched, tenant, position);
}
