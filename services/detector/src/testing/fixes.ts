import assert from 'node:assert/strict';
import { fixOf, isLocated, type Fix, type LocatedFix } from '../core/fix.ts';
import { buildZoneIndex } from '../core/zone-index.ts';
import type { Area } from '../core/zone-shape.ts';
import { NO_SETTINGS } from '../core/unit-settings.ts';
import type { Rules } from '../core/rules.ts';
import { position, type Fixture } from './messages.ts';

/** A fix of a fixture. */
export function fix(fixture: Fixture): LocatedFix {
  // A position of exactly 0/0 counts as none; a centimetre beside it is one.
  const isZero = fixture.lat === 0 && fixture.lon === 0;
  const made = fixOf(position(isZero ? { ...fixture, lat: 1e-7 } : fixture));
  assert.ok(isLocated(made));
  return made;
}

/** The fields of a fix, whether it was read from packed bytes or not. */
export function fields(given: Fix): Fix {
  const { time, latitude, longitude, latenessMs, idHigh, idLow, speedKmh, driver } = given;
  const { courseDeg, satellites, engineOn, fuelLevelL, fuelLevelPercent } = given;
  const { odometerKm, engineHoursH, isPrivate, address } = given;
  return {
    ...{ time, latitude, longitude, latenessMs, idHigh, idLow, speedKmh, driver, address },
    ...{ courseDeg, satellites, engineOn, fuelLevelL, fuelLevelPercent },
    ...{ odometerKm, engineHoursH, isPrivate },
  };
}

/** The value with every fix in it, packed or not, as its fields. */
export function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  if ('latenessMs' in value && 'address' in value) return fields(value as Fix);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

/** Fixes a minute apart from second 0 on, at so many thousandths of a degree of latitude. */
export function track(thousandths: readonly number[], wishes: Partial<Fixture> = {}): LocatedFix[] {
  return thousandths.map((lat, i) => fix({ t: 60 * i, lat: lat / 1000, lon: 0.0001, ...wishes }));
}

/** The rules of a usual tenant with these zones. */
export function rules(areas: readonly Area[] = [], wishes: Partial<Rules> = {}): Rules {
  return {
    tenantId: 'bay-cabs',
    trip: {
      movementSource: 'position',
      minSpeedKmh: 5,
      isMinSpeedMoving: false,
      checksSpeed: false,
      minSatellites: 0,
      stayMs: 300_000,
      staysFromStanding: false,
      gapMs: 300_000,
      maxStepM: Infinity,
      minDurationMs: 0,
      minDistanceM: 500,
      silenceMs: 600_000,
      distanceSource: 'great_circle',
      settingsSource: 'tenant',
    },
    wantsUnitTrip: false,
    unitTrip: [],
    unitFlaws: [],
    outlierSpeedKmh: Infinity,
    visit: {
      confirmFixes: 2,
      confirmMs: Infinity,
      confirmSilenceMs: Infinity,
      confirmDepthM: Infinity,
      interpolateMs: 0,
      silenceMs: 5 * 86_400_000,
      dwellMs: 900_000,
    },
    idle: { thresholdMs: 300_000, silenceMs: 600_000 },
    fuel: {
      minRefuelL: 8,
      minDrainL: 5,
      minDrainShare: 0.05,
      tanks: [],
      ownTanks: new Map(),
      idleBurnLPerH: 2.5,
      driveBurnLPerKm: 0.5,
      confirmMs: 600_000,
    },
    meter: { maxKmPerDay: 1500 },
    service: { leadKm: 500, leadHoursH: 20, leadMs: 14 * 86_400_000 },
    publishes: { idle: true, fuelLevel: true, odometer: true, serviceDue: true, shift: true },
    zones: buildZoneIndex(areas),
    unit: NO_SETTINGS,
    graceMs: 21_600_000,
    publishesPositions: false,
    publishesMinutes: false,
    recomputesLate: false,
    marginMs: 600_000,
    timeZone: 'America/Los_Angeles',
    usesPlannedDrivers: false,
    publishesTrips: true,
    publishesVisits: true,
    publishesCrossings: false,
    pullSources: ['wialon'],
    fingerprint: 'test',
    version: 1,
    changedTime: 0,
    ...wishes,
  };
}

/** The rules of a tenant that wants everything: impossible positions left out, crossings exact. */
export function everyRule(areas: readonly Area[] = [], wishes: Partial<Rules> = {}): Rules {
  const plain = rules(areas);
  return {
    ...plain,
    outlierSpeedKmh: 200,
    publishesCrossings: true,
    visit: {
      ...plain.visit,
      confirmMs: 30_000,
      confirmSilenceMs: 300_000,
      confirmDepthM: 20,
      interpolateMs: 120_000,
    },
    ...wishes,
  };
}
