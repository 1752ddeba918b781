import type { PositionRecorded, SignalRecorded } from '@waybill/contracts';
import type { Emitter, KeyedStore, Received } from '@waybill/stream';
import { accept, type Acceptance } from './core/accept.ts';
import type { HourCounts } from './hour-counts.ts';
import { flawOf, isLocated, type Fix } from './core/fix.ts';
import { FLICKER_MS } from './core/idle-fold.ts';
import type { DetectorMetrics } from './metrics.ts';
import type { DetectorLogger } from './ports.ts';
import type { Held } from './held.ts';
import { noteGrace } from './tenant-state.ts';
import type { Tenants } from './tenants.ts';
import { comesAfter } from './settle-first.ts';
import type { Touched, Turn } from './turn.ts';

/** What the handlers of one task share. */
export interface Handling {
  readonly store: KeyedStore<Uint8Array>;
  readonly tenants: Tenants;
  readonly maxFixesPerUnit: number;
  readonly metrics: DetectorMetrics;
  readonly logger: DetectorLogger;
  readonly hours: HourCounts;
  /** Settles a unit that this turn touched before its end. */
  readonly settle: (touched: Touched, turn: Turn) => void;
}

/** Three positions in one device second: said once per second, the positions are treated as any others. */
function noteStandingClock(
  { tenant_id, unit, event_time }: PositionRecorded | SignalRecorded,
  { metrics, logger }: Handling,
): void {
  metrics.fix('clock_stands', 1);
  logger.info({ tenant_id, unit, event_time }, 'device_clock.stands');
}

/** An engine that changes again within a minute is named; whether it idles, the idle rule decides. */
function noteEngine({ time, engineOn }: Fix, held: Held, { metrics }: Handling): void {
  if (engineOn === undefined || engineOn === held.engineOn) return;
  if (time - held.engineSince <= FLICKER_MS) metrics.flaw('ignition_flickers');
  // Since when it was so at the first one, nobody knows.
  held.engineSince = held.engineOn === undefined ? -Infinity : time;
  held.engineOn = engineOn;
}

function reject(
  record: Received,
  position: PositionRecorded | SignalRecorded,
  code: string,
  message: string,
  out: Emitter,
): void {
  out.reject({
    record,
    index: -1,
    elementId: position.event_id,
    tenantId: position.tenant_id,
    unit: position.unit,
    code,
    kind: 'refused',
    message,
    violations: [],
    eventTime: position.event_time,
    // The record's bytes are only lent for this call.
    original: Buffer.from(record.bytes),
    attempts: 1,
  });
}

/** position or signal → decision → effect; what follows from it is settled at the end of the turn, or before. */
export function handlePosition(
  record: Received,
  position: PositionRecorded | SignalRecorded,
  turn: Turn,
  handling: Handling,
): void {
  const { store, tenants, maxFixesPerUnit, metrics, hours } = handling;
  const { out } = turn;
  const tenant = tenants.of(position.tenant_id);
  tenants.refresh(tenant, turn);
  if (tenant.rules === undefined) {
    metrics.fix('refused', 1);
    const message = `expected a configured tenant, found ${position.tenant_id}; apply its tenant folder, then rework the dead letter`;
    reject(record, position, 'TENANT_UNKNOWN', message, out);
    return;
  }
  const held = tenants.unitOf(tenant, position.unit);
  const rules = tenants.rulesOf(tenant, held) ?? tenant.rules;
  const offset = Number(record.offset);
  noteGrace(store, tenant, rules.graceMs, offset);
  const intake = { maxFixes: maxFixesPerUnit, offset };
  if (comesAfter(position, tenant, held, turn)) handling.settle(turn.touch(tenant, held), turn);
  const acceptance: Acceptance = accept(held.unit, position, rules, intake);
  const receivedTime = position.received_time;
  const flaw = flawOf(position);
  if (flaw !== undefined) metrics.flaw(flaw);
  switch (acceptance.kind) {
    case 'applied': {
      const touched = turn.touch(tenant, held);
      const { fix, isLate, leavesBucket, clockStands } = acceptance;
      touched.arrivals.push({ fix, receivedTime, isLate });
      touched.clock = tenant.clock;
      if (leavesBucket) touched.late = { fix, receivedTime };
      touched.record = record;
      // Newer than all before it: the newest position never goes back in event time.
      if (!isLate && 'latitude' in position && isLocated(fix)) touched.newest = position;
      if (!isLate) noteEngine(fix, held, handling);
      const how = isLate ? 'late' : 'applied';
      const saysEngine = fix.engineOn !== undefined;
      hours.count(tenant.tenantId, position.unit, { time: fix.time, saysEngine, how });
      metrics.fix(how, 1);
      if (clockStands) noteStandingClock(position, handling);
      return;
    }
    case 'beyond_grace': {
      const touched = turn.touch(tenant, held);
      touched.late = { fix: acceptance.fix, receivedTime };
      touched.record = record;
      out.skip('beyond_grace');
      const { time } = acceptance.fix;
      hours.count(tenant.tenantId, position.unit, { time, saysEngine: false, how: 'beyond_grace' });
      metrics.fix('beyond_grace', 1);
      return;
    }
    case 'skipped': {
      const { reason, remembered, clockStands } = acceptance;
      if (clockStands) noteStandingClock(position, handling);
      if (remembered !== undefined) {
        const touched = turn.touch(tenant, held);
        if (remembered.leavesBucket) touched.late = { fix: remembered.fix, receivedTime };
      }
      out.skip(reason);
      metrics.fix(reason, 1);
      return;
    }
    case 'refused':
      // It is saved that the limit was reached.
      if (acceptance.code === 'UNIT_LIMIT') turn.touch(tenant, held);
      metrics.fix('refused', 1);
      reject(record, position, acceptance.code, acceptance.message, out);
  }
}
