import type { ProgressReached } from '@waybill/contracts';
import type { KeyedStore, Received } from '@waybill/stream';
import { advanceClock, clockOf } from './tenant-state.ts';
import type { Tenants } from './tenants.ts';
import type { Turn } from './turn.ts';

/** Moves the source's progress and with it the tenant's clock T; units are looked at afterwards. */
export function handleProgress(
  record: Received,
  progress: ProgressReached,
  turn: Turn,
  tenants: Tenants,
  store: KeyedStore<Uint8Array>,
): void {
  const { tenant_id: tenantId, source_id: sourceId, received_time: receivedTime } = progress;
  advanceClock(store, tenantId, sourceId, progress.complete_to_time);
  const tenant = tenants.of(tenantId);
  tenants.refresh(tenant, turn);
  if (tenant.rules === undefined) return;
  const clock = clockOf(store, tenant.rules);
  if (clock === tenant.clock) return;
  const move = turn.clocks.get(tenantId);
  if (move === undefined) {
    turn.clocks.set(tenantId, { from: tenant.clock ?? -Infinity, receivedTime, record });
  } else {
    move.receivedTime = receivedTime;
    move.record = record;
  }
  tenant.clock = clock;
}
