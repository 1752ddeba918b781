import { hashId } from './hash.ts';

/** Key of every task-keyed topic: `<tenant>/<unit>`, unit = `<source>:<provider id>`. */
export function taskKey(tenantId: string, unit: string): string {
  return `${tenantId}/${unit}`;
}

/** The unit of a task key. */
export function unitOf(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}

/** What makes two fixes the same fix (design section 4). */
export interface FixIdentity {
  readonly tenantId: string;
  readonly unit: string;
  /** Device time in ms; only its second counts. */
  readonly eventTime: number;
  /** Degrees; placed on the grid of `fixPlace`. */
  readonly latitude: number;
  readonly longitude: number;
}

/**
 * A coordinate rounded to 1e-5 degree, as a whole number of these. It is first rounded to 1e-4 minutes, as
 * Wialon IPS writes it: a fix that lies on the border of two places would else be another one when it comes
 * that way (one in twelve would).
 */
export function fixPlace(degrees: number): number {
  const minutes = Math.round(Math.abs(degrees) * 600_000);
  return Math.sign(degrees) * Math.round(minutes / 6);
}

/** event_id of a fix: tenant, unit, device second, latitude and longitude rounded to 1e-5 degree. */
export function fixId(fix: FixIdentity): string {
  return hashId(
    'fix',
    fix.tenantId,
    fix.unit,
    Math.floor(fix.eventTime / 1000),
    fixPlace(fix.latitude),
    fixPlace(fix.longitude),
  );
}

/**
 * event_id of what a device measured without a position: tenant, unit, device second and the values in
 * the order that its author always gives them.
 */
export function signalId(
  tenantId: string,
  unit: string,
  eventTime: number,
  values: readonly (string | number | boolean | null)[],
): string {
  return hashId('signal', tenantId, unit, Math.floor(eventTime / 1000), JSON.stringify(values));
}

/** event_id of a point event: tenant, unit, type, device second, discriminator. */
export function pointId(
  tenantId: string,
  unit: string,
  type: string,
  eventTime: number,
  discriminator: string,
): string {
  return hashId('point', tenantId, unit, type, Math.floor(eventTime / 1000), discriminator);
}
