import type { PositionRecorded, SignalRecorded, TenantConfigured } from '@waybill/contracts';
import type { TableReader } from '@waybill/stream';
import { accept } from '../core/accept.ts';
import type { Arrival } from '../core/occasion.ts';
import { memoryPages, type UnitPages } from '../core/pages.ts';
import type { Rules } from '../core/rules.ts';
import { nextDue, settle, trim } from '../core/settle.ts';
import { newUnit, type Decision, type Unit } from '../core/unit.ts';
import { rulesOf } from '../tenant-rules.ts';
import { tenant } from './tenant.ts';
import type { fleetZones } from './fleet.ts';

/** The detector without a stream: units in memory, no tables but the zones, nothing saved. */
export interface PlainDetector {
  readonly units: ReadonlyMap<string, Unit>;
  /** One turn; T in ms, undefined while it is held. Returns what it publishes and refuses. */
  readonly turn: (
    records: readonly (PositionRecorded | SignalRecorded)[],
    clock: number | undefined,
  ) => readonly Decision[];
}

/** A tenant that wants every event. */
export function greedyTenant(tenantId: string, graceHours = 6): TenantConfigured {
  const all = 'detected' as const;
  return tenant({
    ...{ tenantId, graceHours },
    events: {
      ...{ trip: all, site_visit: all, geofence: all, idle: all, fuel_level: all },
      ...{ odometer: all, service_due: all, shift: all },
    },
    detection: { outlier_speed_kmh: 200, visit_interpolate_s: 120, visit_confirm_depth_m: 20 },
  });
}

/** The rules of a tenant with these zones. */
export function rulesWith(
  configured: TenantConfigured,
  zones: ReturnType<typeof fleetZones>,
): Rules {
  const tables: TableReader = {
    get: () => undefined,
    // The only table that is asked for whole is that of the zones.
    entries: function* entries<M>() {
      for (const value of zones) {
        yield [value.geofence_id, { type: 'ZoneDescribed', value } as M] as [string, M];
      }
    },
  };
  return rulesOf(configured, tables);
}

/** See PlainDetector. */
export function plainDetector(
  rules: Rules,
  pagesOf: (unit: string) => UnitPages = memoryPages,
): PlainDetector {
  const units = new Map<string, Unit>();

  function unitOf(record: PositionRecorded | SignalRecorded): Unit {
    let unit = units.get(record.unit);
    if (unit === undefined) {
      unit = newUnit(record.tenant_id, record.unit, pagesOf(record.unit));
      units.set(record.unit, unit);
    }
    return unit;
  }

  return {
    units,
    turn: (records, clock) => {
      const touched = new Map<Unit, Arrival[]>();
      const intake = { maxFixes: 100_000, offset: 0 };
      for (const record of records) {
        const unit = unitOf(record);
        const accepted = accept(unit, record, rules, intake);
        let arrivals = touched.get(unit);
        if (arrivals === undefined) touched.set(unit, (arrivals = []));
        if (accepted.kind !== 'applied') continue;
        const { fix, isLate } = accepted;
        arrivals.push({ fix, isLate, receivedTime: record.received_time });
      }
      const decisions: Decision[] = [];
      for (const [unit, arrivals] of touched) {
        const occasion = { arrivals, clock, progress: undefined, binding: undefined };
        decisions.push(...settle(unit, rules, occasion));
        if (clock !== undefined) trim(unit, rules, clock);
        unit.timeline.flush();
        nextDue(unit, rules, clock);
      }
      return decisions;
    },
  };
}
