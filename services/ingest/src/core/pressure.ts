/** How the way behind the door is: brokers and database. Times in ms. */
export interface Pressure {
  /** Requests taken in and not answered yet. */
  readonly requests: number;
  /** Time that the brokers recently took for one record. */
  readonly recordMs: number;
  /** How long nothing has got through since the first failure; undefined = it works. */
  readonly awayMs: number | undefined;
}

const OVERLOADED_S = { least: 1, most: 30 };
const UNAVAILABLE_S = { least: 5, most: 60 };

function within(
  seconds: number,
  bounds: { readonly least: number; readonly most: number },
): number {
  return Math.min(bounds.most, Math.max(bounds.least, Math.ceil(seconds)));
}

/** When to come back to a full door: the time that the work in hand takes at the recent speed. */
export function overloadedRetryS({ requests, recordMs }: Pressure): number {
  return within((requests * recordMs) / 1000, OVERLOADED_S);
}

/** When to come back while brokers or database are away: an outage lasts about twice as long as so far. */
export function unavailableRetryS({ awayMs = 0 }: Pressure): number {
  return within(awayMs / 1000, UNAVAILABLE_S);
}

/** Weight of the newest batch in the average. */
const NEWEST = 0.2;

/** Moving average of the time for one record. */
export function nextRecordMs(before: number, batchMs: number, records: number): number {
  return before + NEWEST * (batchMs / Math.max(1, records) - before);
}
