import type { PositionRecorded, SignalRecorded } from '@waybill/contracts';

/** A device clock may be ahead by this, ms. */
const SKEW_MS = 120_000;
const DAY_MS = 86_400_000;
/** A fix older than this at registration comes from a broken clock, ms. */
const ANCIENT_MS = 400 * DAY_MS;
/** GPS counts weeks modulo 1,024; a receiver that lost count is wrong by that. */
const ROLLOVER_MS = 1_024 * 7 * DAY_MS;
/** Positions come within this of their device time, as far as naming the cause goes, ms. */
const ROLLOVER_SLACK_MS = 10 * DAY_MS;

/** Why a device time cannot be. */
export interface WrongTime {
  readonly kind: 'refused';
  readonly code: 'FUTURE_TIME' | 'ANCIENT_TIME';
  readonly message: string;
}

/** Names the cause where it is the receiver's week counter; nothing is corrected by it. */
function hintOf(behindMs: number): string {
  const times = Math.round(behindMs / ROLLOVER_MS);
  const rest = Math.abs(behindMs - times * ROLLOVER_MS);
  return times > 0 && rest <= ROLLOVER_SLACK_MS
    ? `${times} × 1,024 weeks: a GPS week rollover; update the tracker`
    : "check the tracker's clock";
}

/** A refusal for a device time more than 120 s after, or 400 days before, its registration. */
export function wrongTime(position: PositionRecorded | SignalRecorded): WrongTime | undefined {
  const { event_time: time, provider_time: registered } = position;
  const behindMs = registered - time;
  if (behindMs < -SKEW_MS) {
    const message = `expected a device time of at most ${SKEW_MS / 1000} s after registration, found ${Math.round(-behindMs / 1000)} s; check the tracker's clock`;
    return { kind: 'refused', code: 'FUTURE_TIME', message };
  }
  if (behindMs <= ANCIENT_MS) return undefined;
  const message = `expected a device time of at most 400 days before registration, found ${Math.round(behindMs / DAY_MS)} days; ${hintOf(behindMs)}`;
  return { kind: 'refused', code: 'ANCIENT_TIME', message };
}
