import {
  topics,
  type TenantConfigured,
  type ZoneDescribed,
  type ZoneInterval,
} from '@waybill/contracts';
import { hashId, taskKey } from '@waybill/domain';
import type { TableReader } from '@waybill/stream';
import { progressSources, readTenant, type Detection } from '@waybill/tenant';
import { signalRulesOf } from './signal-rules.ts';
import type { Rules, TripRule, VisitRule } from './core/rules.ts';
import { tripVersionsOf, type SettingsProblem } from './core/trip-settings.ts';
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

/** JSON knows no infinity: it would read as null. */
function infinityAsText(_key: string, value: unknown): unknown {
  return value === Infinity ? 'never' : value;
}

/** 0 switches a limit off. */
function orNever(limit: number): number {
  return limit === 0 ? Infinity : limit;
}

function tripRule(detection: Detection): TripRule {
  const stayMs = detection.stay_time_s * 1000;
  return {
    movementSource: detection.movement_source,
    minSpeedKmh: detection.min_speed_kmh,
    isMinSpeedMoving: false,
    checksSpeed: false,
    minSatellites: detection.min_satellites,
    stayMs,
    staysFromStanding: false,
    gapMs: stayMs,
    maxStepM: orNever(detection.max_message_distance_m),
    minDurationMs: detection.min_trip_time_s * 1000,
    minDistanceM: detection.min_trip_distance_m,
    silenceMs: detection.silence_s * 1000,
    distanceSource: detection.trip_distance,
    settingsSource: 'tenant',
  };
}

function visitRule(detection: Detection): VisitRule {
  return {
    confirmFixes: detection.visit_confirm_fixes,
    confirmMs: orNever(detection.visit_confirm_s) * 1000,
    confirmSilenceMs: orNever(detection.visit_confirm_silence_s) * 1000,
    confirmDepthM: orNever(detection.visit_confirm_depth_m),
    interpolateMs: detection.visit_interpolate_s * 1000,
    silenceMs: detection.visit_silence_h * 3_600_000,
    dwellMs: detection.dwell_threshold_s * 1000,
  };
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
    trip: tripRule(detection),
    visit: visitRule(detection),
    wantsUnitTrip: detection.trip_settings === 'unit',
    outlierSpeedKmh: orNever(detection.outlier_speed_kmh),
    usesPlannedDrivers: detection.use_planned_drivers,
    publishesTrips: model.events.trip === 'detected',
    publishesVisits: model.events.site_visit === 'detected',
    publishesCrossings: model.events.geofence === 'detected',
  };
  const { idle, fuel, meter } = detection;
  const wishes = [idle, fuel, meter, model.events];
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
    ...signalRulesOf(model),
    tenantId: model.tenant_id,
    zones: buildZoneIndex(areas),
    unit: NO_SETTINGS,
    unitTrip: [],
    unitFlaws: [],
    graceMs: company.grace_hours * 3_600_000,
    publishesPositions: model.events.latest_position === 'detected',
    publishesMinutes: model.events.position_minute === 'detected',
    recomputesLate: company.beyond_grace === 'recompute',
    marginMs: Math.max(MARGIN_MS, stayMs),
    timeZone: company.zone,
    pullSources: model.sources
      .filter((source) => source.kind === 'wialon')
      .flatMap(progressSources),
    fingerprint: hashId(JSON.stringify([settings, wishes, shapes], infinityAsText)),
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
  const tanks = rules.fuel.ownTanks.get(unit);
  if (settings === rules.unit && tanks === undefined) return rules;
  const fuel = tanks === undefined ? rules.fuel : { ...rules.fuel, tanks };
  const isByGps = settings.provider.at(-1)?.value.plansKmByGps === true;
  const flaws: readonly SettingsProblem[] =
    isByGps && rules.publishes.serviceDue ? ['km_by_gps'] : [];
  if (!rules.wantsUnitTrip) return { ...rules, fuel, unit: settings, unitFlaws: flaws };
  const { versions, problems } = tripVersionsOf(settings.provider, rules.trip);
  const unitFlaws = [...problems, ...flaws];
  return { ...rules, fuel, unit: settings, unitTrip: versions, unitFlaws };
}
