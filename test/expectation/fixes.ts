import { createHash } from 'node:crypto';
import type { Place } from './geometry.ts';

/** A message with a position, as the provider registered it. Times are epoch seconds. */
export interface Fix extends Place {
  readonly unit: string;
  readonly t: number;
  readonly rt: number;
}

/** Identity of a fix: tenant, unit, device second, position rounded to 1e-5 degree. */
export function identityOf(tenant: string, fix: Fix): string {
  const { unit, t, lat, lon } = fix;
  const parts = ['fix', tenant, unit, Math.floor(t), Math.round(lat * 1e5), Math.round(lon * 1e5)];
  const text = parts.map((part) => `${String(part).length}:${part}`).join('');
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** A fix with its identity. */
export interface Identified {
  readonly id: string;
  readonly fix: Fix;
}

/** One per identity, the earliest registered; in no particular order. */
export function withoutRepeats(tenant: string, fixes: readonly Fix[]): Identified[] {
  const byId = new Map<string, Fix>();
  for (const fix of fixes) {
    const id = identityOf(tenant, fix);
    const known = byId.get(id);
    if (known === undefined || fix.rt < known.rt) byId.set(id, fix);
  }
  return [...byId].map(([id, fix]) => ({ id, fix }));
}

export type Verdict = 'accepted' | 'beyond_grace' | 'future' | 'ancient';

const CLOCK_SKEW_S = 120;
const OLDEST_S = 400 * 86_400;

/** What the detector does with a fix; lateness is registration minus device time. */
export function judge(fix: Fix, graceS: number): Verdict {
  const lateness = fix.rt - fix.t;
  if (lateness < -CLOCK_SKEW_S) return 'future';
  if (lateness > OLDEST_S) return 'ancient';
  return lateness > graceS ? 'beyond_grace' : 'accepted';
}

/** Per unit in order of device time, one per second: the smallest registration, then the northern, then the eastern one counts. */
export function timelines(accepted: readonly Identified[]): Map<string, Fix[]> {
  const ordered = accepted.toSorted(
    (a, b) =>
      Math.floor(a.fix.t) - Math.floor(b.fix.t) ||
      a.fix.rt - b.fix.rt ||
      b.fix.lat - a.fix.lat ||
      b.fix.lon - a.fix.lon,
  );
  const units = new Map<string, Fix[]>();
  for (const { fix } of ordered) {
    const line = units.get(fix.unit) ?? [];
    units.set(fix.unit, line);
    const last = line.at(-1);
    if (last === undefined || Math.floor(last.t) !== Math.floor(fix.t)) line.push(fix);
  }
  return units;
}
