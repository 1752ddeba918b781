/** Where the data clock stands. All in seconds of data time since base. */
export interface ClockState {
  readonly elapsed_s: number;
  readonly speed: number;
  readonly held: boolean;
  readonly hold_at_s: number | null;
  /** The end of the window was reached; the clock goes no further. */
  readonly ended: boolean;
}

export interface ClockOptions {
  /** Seconds of data time per second of wall time. */
  readonly speed: number;
  /** The clock ends here; Infinity when the recording loops. */
  readonly endS: number;
  /** Stops at elapsed 0 until a hold is set or lifted. */
  readonly startHeld: boolean;
  /** Monotonic wall time in ms. */
  readonly nowMs: () => number;
}

/**
 * The data clock. State: an anchor (wall time, elapsed) from which elapsed grows by `speed`, cut off at
 * the hold and at the end. Invariants: elapsed never falls; with a hold at X it reaches X and stays
 * exactly there; changing speed or hold moves the anchor to now, so it never jumps.
 */
export interface DataClock {
  /** Elapsed data time in seconds, with fraction. */
  elapsed(): number;
  /** Whole elapsed seconds: messages are registered by the second, so answers are stamped with it. */
  wholeSecond(): number;
  state(): ClockState;
  /** Holds at `atS`, which must not be in the past; null lifts the hold. Throws RangeError. */
  hold(atS: number | null): void;
  /** Throws RangeError unless `speed` is a finite number above 0. */
  setSpeed(speed: number): void;
}

function checkedSpeed(speed: number): number {
  if (!Number.isFinite(speed) || speed <= 0) {
    throw new RangeError(`speed must be a number above 0, found ${speed}`);
  }
  return speed;
}

/** Starts a data clock at elapsed 0. */
export function createClock({ speed, endS, startHeld, nowMs }: ClockOptions): DataClock {
  let factor = checkedSpeed(speed);
  let holdAt: number | null = startHeld ? 0 : null;
  let anchor = { wallMs: nowMs(), elapsed: 0 };
  const elapsed = (): number => {
    const free = anchor.elapsed + ((nowMs() - anchor.wallMs) / 1000) * factor;
    return Math.min(free, holdAt ?? Number.POSITIVE_INFINITY, endS);
  };
  const settle = (): void => {
    anchor = { elapsed: elapsed(), wallMs: nowMs() };
  };
  return {
    elapsed,
    wholeSecond: () => Math.floor(elapsed()),
    state: () => {
      const now = elapsed();
      return {
        elapsed_s: now,
        speed: factor,
        held: holdAt !== null && now >= holdAt,
        hold_at_s: holdAt,
        ended: now >= endS,
      };
    },
    hold: (atS) => {
      settle();
      if (atS !== null && !(atS >= anchor.elapsed)) {
        throw new RangeError(
          `hold_at_s must not be before the clock (${anchor.elapsed}), found ${atS}`,
        );
      }
      holdAt = atS;
    },
    setSpeed: (next) => {
      checkedSpeed(next);
      settle();
      factor = next;
    },
  };
}
