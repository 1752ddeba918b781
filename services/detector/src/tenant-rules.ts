import {
  topics,
  type TenantConfigured,
  type ZoneDescribed,
  type ZoneInterval,
} from '@waybill/contracts';
import { hashId, taskKey } from '@waybill/domain';
import type { TableReader } from '@waybill/stream';
import { progressSources, readTenant } from '@waybill/tenant';
import type { Rules } from './core/rules.ts';
import { NO_SETTINGS, unitSettingsOf } from './core/unit-settings.ts';
import { buildZoneIndex } from './core/zone-index.ts';
import type { Area } from './core/zone-shape.ts';

/** How long a range stays provisional beyond grace at least, ms. */
const MARGIN_MS = 600_000;

function areaOf(zone: ZoneDescribed, interval: ZoneInterval): Area[] {
  // A shape that this version does not know cannot be entered.
  if (interval.shape === 'UNKNOWN') return [];
  return [
    {
      zoneId: zone.geofence_id,
      shape: interval.shape,
      widthM: interval.width_m,
      points: interval.points,
      validFrom: interval.valid_from_time ?? -Infinity,
      validTo: interval.valid_to_time ?? Infinity,
    },
  ];
}

function zonesOf(tenantId: string, tables: TableReader): ZoneDescribed[] {
  const zones: ZoneDescribed[] = [];
  for (const [, { value }] of tables.entries(topics.zone)) {
    if (value.tenant_id === tenantId) zones.push(value);
  }
  return zones.sort((a, b) => (a.geofence_id < b.geofence_id ? -1 : 1));
}

/**
 * What decides about a tenant's units, from its configuration and zones. Throws a Fault
 * `misconfigured` / `TENANT_INVALID` for a configuration that this version cannot read.
 */
export function rulesOf(configured: TenantConfigured, tables: TableReader): Rules {
  const model = readTenant(configured);
  const { company, detection } = model;
  const zones = zonesOf(model.tenant_id, tables);
  const areas = zones.flatMap((zone) =>
    zone.intervals.flatMap((interval) => areaOf(zone, interval)),
  );
  const stayMs = detection.stay_time_s * 1000;
  const settings = {
    trip: {
      movementSource: detection.movement_source,
      minSpeedKmh: detection.min_speed_kmh,
      stayMs,
      minDistanceM: detection.min_trip_distance_m,
      silenceMs: detection.silence_s * 1000,
    },
    visit: {
      confirmFixes: detection.visit_confirm_fixes,
      silenceMs: detection.visit_silence_h * 3_600_000,
    },
    usesPlannedDrivers: detection.use_planned_drivers,
    publishesTrips: model.events.trip === 'detected',
    publishesVisits: model.events.site_visit === 'detected',
  };
  const shapes = areas.map(({ zoneId, shape, widthM, points, validFrom, validTo }) => [
    zoneId,
    shape,
    widthM,
    String(validFrom),
    String(validTo),
    points.map(({ latitude, longitude }) => [latitude, longitude]),
  ]);
  return {
    ...settings,
    tenantId: model.tenant_id,
    zones: buildZoneIndex(areas),
    unit: NO_SETTINGS,
    graceMs: company.grace_hours * 3_600_000,
    marginMs: Math.max(MARGIN_MS, stayMs),
    timeZone: company.zone,
    pullSources: model.sources
      .filter((source) => source.kind === 'wialon')
      .flatMap(progressSources),
    fingerprint: hashId(JSON.stringify([settings, shapes])),
    version: configured.version,
    changedTime: Math.max(configured.applied_time, ...zones.map((zone) => zone.revision)),
  };
}

/** The tenant's rules with what the tables say about one unit. */
export function rulesOfUnit(rules: Rules, unit: string, tables: TableReader): Rules {
  const key = taskKey(rules.tenantId, unit);
  const settings = unitSettingsOf(
    tables.get(topics.asset, key)?.value,
    tables.get(topics.driverBinding, key)?.value,
    rules.usesPlannedDrivers ? tables.get(topics.plannedAssignment, key)?.value : undefined,
  );
  return settings === rules.unit ? rules : { ...rules, unit: settings };
}
