/** What a cursor says. */
export interface Progressed {
  /** Everything registered up to here was published, ms. */
  readonly readToTime: number;
  /** When it was written, ms; strictly rising over all cursors of an account. */
  readonly updatedTime: number;
}

/** The provider's greatest time: messages with a future date are not missed. Seconds. */
export const END_OF_TIME_S = 4_294_967_295;

/**
 * Start in ms of the interval that makes a unit complete when a session begins or an answer of the live
 * feed was lost. The live cursor moves only while all units are complete, so:
 *
 * - no unit cursor: never read → `readFromTime`;
 * - live cursor newer than the unit's: the unit was complete up to the live cursor → from there, less
 *   the lookback that catches messages registered late in the gap;
 * - unit cursor newer: its interval was being read when the process ended → from the older of both, less
 *   the lookback.
 *
 * After a gap the start is not raised to `readFromTime`: a message of before may have been registered in
 * the gap, as the live feed would have brought it.
 */
export function startOfInterval(
  unit: Progressed | undefined,
  live: Progressed | undefined,
  settings: { readonly readFromTime: number; readonly lookbackMs: number },
): number {
  if (unit === undefined) return settings.readFromTime;
  if (live === undefined) return Math.max(0, unit.readToTime - settings.lookbackMs);
  const complete =
    live.updatedTime >= unit.updatedTime
      ? live.readToTime
      : Math.min(live.readToTime, unit.readToTime);
  return Math.max(0, complete - settings.lookbackMs);
}

/** A window of messages by device time, both ends included, seconds. */
export interface Window {
  readonly fromS: number;
  readonly toS: number;
}

/**
 * Both halves of a window that is too much for one call, older first; undefined when it cannot be
 * halved. The first cut of an open window is at the provider's present: what lies behind is future.
 */
export function halves(window: Window, nowS: number): readonly [Window, Window] | undefined {
  const { fromS, toS } = window;
  if (toS <= fromS) return undefined;
  const middle = nowS > fromS && nowS < toS ? nowS : fromS + Math.floor((toS - fromS) / 2);
  return [
    { fromS, toS: middle },
    { fromS: middle + 1, toS },
  ];
}
