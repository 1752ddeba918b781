/** Time of the queue: the database's clock, which all instances share; a test hands in its own. */
export interface Clock {
  /** Parameter for `coalesce($n::timestamptz, clock_timestamp())`. */
  readonly parameter: () => string | null;
}

export function clockOf(now: (() => number) | undefined): Clock {
  return { parameter: () => (now === undefined ? null : new Date(now()).toISOString()) };
}
