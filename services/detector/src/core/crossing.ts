import type { ByteReader, ByteWriter } from './bytes.ts';
import { sameFix, type LocatedFix } from './fix.ts';
import { isCopy, passFix, readLocated, writeFix } from './fix-codec.ts';
import type { Rules } from './rules.ts';
import { between, crossingShare, depthM, holds } from './zone-shape.ts';

/** When and where a unit crossed the edge of a zone. */
export interface Crossing {
  /** ms */
  readonly time: number;
  readonly latitude: number;
  readonly longitude: number;
  /** True when time and place are those of the edge on a straight way; false for those of `fix`. */
  readonly isInterpolated: boolean;
  /** It may have been this much earlier, ms. */
  readonly uncertaintyMs: number;
  /** First fix behind the edge. */
  readonly fix: LocatedFix;
}

/** The newest of both kinds stay alive: without any, V8 throws away what it compiled for them. */
const newest: { exact: Crossing | undefined; atFix: Crossing | undefined } = {
  exact: undefined,
  atFix: undefined,
};

/** A crossing of which only the fix behind the edge is known. */
export function crossingAt(fix: LocatedFix, uncertaintyMs: number): Crossing {
  const { time, latitude, longitude } = fix;
  const crossing = { time, latitude, longitude, isInterpolated: false, uncertaintyMs, fix };
  newest.atFix = crossing;
  return crossing;
}

/**
 * The crossing between two fixes, of which one is inside. It is interpolated when they are near enough in
 * time; a way through the zone as it is at the second fix that does not cross its edge, because the zone
 * was edited between, and a place in private mode are not.
 */
export function crossingBetween(
  last: LocatedFix,
  fix: LocatedFix,
  zoneId: string,
  { visit, zones }: Pick<Rules, 'visit' | 'zones'>,
): Crossing {
  const gapMs = fix.time - last.time;
  if (gapMs > visit.interpolateMs || last.isPrivate) return crossingAt(fix, gapMs);
  const area = zones
    .areasOf(zoneId, fix.time)
    .find((candidate) => holds(candidate, last) !== holds(candidate, fix));
  if (area === undefined) return crossingAt(fix, gapMs);
  const share = crossingShare(area, last, fix);
  const { latitude, longitude } = between(last, fix, share);
  const time = Math.round(last.time + gapMs * share);
  newest.exact = { time, latitude, longitude, isInterpolated: true, uncertaintyMs: 0, fix };
  return newest.exact;
}

/** True when the fix is far enough from the zone's edge to confirm at once that it was crossed. */
export function isDeep(
  fix: LocatedFix,
  zoneId: string,
  { visit, zones }: Pick<Rules, 'visit' | 'zones'>,
): boolean {
  if (visit.confirmDepthM === Infinity) return false;
  const areas = zones.areasOf(zoneId, fix.time);
  const around = areas.filter((area) => holds(area, fix));
  const isDeepIn = (area: (typeof areas)[number]): boolean =>
    depthM(area, fix) >= visit.confirmDepthM;
  return around.length > 0 ? around.some(isDeepIn) : areas.every(isDeepIn);
}

/** True when both say the same. */
export function sameCrossing(a: Crossing | undefined, b: Crossing | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return (
    a.time === b.time &&
    a.latitude === b.latitude &&
    a.longitude === b.longitude &&
    a.uncertaintyMs === b.uncertaintyMs &&
    sameFix(a.fix, b.fix)
  );
}

/** True when both are written in the same bytes. */
export function isCopyOfCrossing(a: Crossing | undefined, b: Crossing | undefined): boolean {
  return sameCrossing(a, b) && a?.isInterpolated === b?.isInterpolated && isCopy(a?.fix, b?.fix);
}

/** What two crossings of one zone that are not the same differ in. */
export function crossingText({ time, latitude, longitude, uncertaintyMs, fix }: Crossing): string {
  return `${time} ${latitude} ${longitude} ${uncertaintyMs} ${fix.latenessMs}`;
}

/** A crossing as bytes. */
export function writeCrossing(writer: ByteWriter, crossing: Crossing): void {
  writeFix(writer, crossing.fix);
  writer.real(crossing.uncertaintyMs);
  writer.u8(crossing.isInterpolated ? 1 : 0);
  if (!crossing.isInterpolated) return;
  writer.real(crossing.time - crossing.fix.time);
  writer.f64(crossing.latitude);
  writer.f64(crossing.longitude);
}

/** Passes a crossing that `writeCrossing` wrote; returns the time of its fix since the fix before, ms. */
export function passCrossing(reader: ByteReader): number {
  const since = passFix(reader);
  reader.real();
  if (reader.u8() === 1) {
    reader.real();
    reader.pass(16);
  }
  return since;
}

/** The counterpart of `writeCrossing`. */
export function readCrossing(reader: ByteReader): Crossing {
  const fix = readLocated(reader);
  const uncertaintyMs = reader.real();
  if (reader.u8() === 0) return crossingAt(fix, uncertaintyMs);
  const time = fix.time + reader.real();
  const [latitude, longitude] = [reader.f64(), reader.f64()];
  newest.exact = { time, latitude, longitude, isInterpolated: true, uncertaintyMs, fix };
  return newest.exact;
}
