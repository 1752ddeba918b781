import type { TenantModel } from '@waybill/tenant';
import type { Rules } from './core/rules.ts';
import type { Valid } from './core/unit-settings.ts';

type Tank = TenantModel['detection']['fuel']['tanks'][number];

/** Each capacity holds from its start until the next one's. */
function validTanks(tanks: readonly Tank[]): readonly Valid<number>[] {
  const starts = tanks
    .map(({ valid_from: from, tank_l: value }) => ({
      from: from === undefined ? -Infinity : Date.parse(from),
      value,
    }))
    .toSorted((a, b) => a.from - b.from);
  return starts.map(({ from, value }, i) => ({ from, to: starts[i + 1]?.from ?? Infinity, value }));
}

/** The rules about signals and meters, from the tenant's model. */
export function signalRulesOf({
  detection,
  events,
}: TenantModel): Pick<Rules, 'idle' | 'fuel' | 'meter' | 'service' | 'publishes'> {
  const { fuel } = detection;
  const byUnit = Map.groupBy(fuel.tanks, ({ unit }) => unit);
  const ownTanks = new Map<string, readonly Valid<number>[]>();
  for (const [unit, tanks] of byUnit) {
    if (unit !== undefined) ownTanks.set(unit, validTanks(tanks));
  }
  return {
    idle: {
      thresholdMs: detection.idle.threshold_s * 1000,
      silenceMs: detection.silence_s * 1000,
    },
    fuel: {
      minRefuelL: fuel.min_refuel_l,
      minDrainL: fuel.min_drain_l,
      minDrainShare: fuel.min_drain_percent / 100,
      tanks: validTanks(byUnit.get(undefined) ?? []),
      ownTanks,
      idleBurnLPerH: fuel.idle_burn_l_per_h,
      driveBurnLPerKm: fuel.drive_burn_l_per_km,
      confirmMs: fuel.confirm_s * 1000,
    },
    meter: { maxKmPerDay: detection.meter.max_km_per_day },
    service: {
      leadKm: detection.meter.lead_km,
      leadHoursH: detection.meter.lead_engine_hours_h,
      leadMs: detection.meter.lead_days * 86_400_000,
    },
    publishes: {
      idle: events.idle === 'detected',
      fuelLevel: events.fuel_level === 'detected',
      odometer: events.odometer === 'detected',
      serviceDue: events.service_due === 'detected',
      shift: events.shift === 'detected',
    },
  };
}
