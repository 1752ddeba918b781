/** A row of the script's table. Times in ms since epoch. */
export interface ScriptTrip {
  /** Name of the unit at the provider. */
  readonly vehicle: string;
  readonly start: number;
  readonly end: number;
  /** `YYYY-MM-DD`. */
  readonly businessDate: string;
}

/** The part of an expected trip that is compared; test/expectation computes them. */
export interface WantedTrip {
  /** ERP id: a prefix up to the first hyphen and the name of the unit. */
  readonly vehicle_id: string;
  readonly start_time: string;
  readonly end_time: string;
  readonly business_date: string;
}

export interface BaselineVerdict {
  readonly rows: number;
  /** Expected trips of which the rows cover less than half of the time. */
  readonly lost: number;
  /** Rows beyond the first for one expected trip: twice, or in pieces. */
  readonly doubled: number;
  /** Expected trips that are there, but whose (longest) row stands on another business day. */
  readonly misdated: number;
}

/** Lenient on purpose: borders may differ, only losses, surplus rows and days count. */
const COVERED = 0.5;

interface Wanted {
  readonly trip: WantedTrip;
  readonly from: number;
  readonly to: number;
}

function overlap(row: ScriptTrip, wanted: Wanted): number {
  return Math.min(row.end, wanted.to) - Math.max(row.start, wanted.from);
}

/** Time of the expected trip that the rows cover; rows that lie on each other count once. */
function covered(rows: readonly ScriptTrip[], wanted: Wanted): number {
  let reached = wanted.from;
  let sum = 0;
  for (const row of rows.toSorted((a, b) => a.start - b.start)) {
    const until = Math.min(row.end, wanted.to);
    sum += Math.max(0, until - Math.max(row.start, reached));
    reached = Math.max(reached, until);
  }
  return sum;
}

/** Compares the script's rows of one tenant with what its ERP should have. */
export function compareBaseline(
  rows: readonly ScriptTrip[],
  expected: readonly WantedTrip[],
): BaselineVerdict {
  const wanted = expected.map((trip) => ({
    trip,
    from: Date.parse(trip.start_time),
    to: Date.parse(trip.end_time),
  }));
  const byVehicle = Map.groupBy(wanted, ({ trip }) => trip.vehicle_id.replace(/^[^-]*-/, ''));
  const found = new Map<Wanted, ScriptTrip[]>();
  for (const row of rows) {
    const best = (byVehicle.get(row.vehicle) ?? [])
      .filter((candidate) => overlap(row, candidate) >= 0)
      .toSorted((a, b) => overlap(row, b) - overlap(row, a))[0];
    if (best !== undefined) found.set(best, [...(found.get(best) ?? []), row]);
  }
  let [lost, doubled, misdated] = [0, 0, 0];
  for (const trip of wanted) {
    const own = found.get(trip) ?? [];
    doubled += Math.max(0, own.length - 1);
    const longest = own.toSorted((a, b) => overlap(b, trip) - overlap(a, trip))[0];
    if (longest === undefined || covered(own, trip) < COVERED * (trip.to - trip.from)) lost += 1;
    else if (longest.businessDate !== trip.trip.business_date) misdated += 1;
  }
  return { rows: rows.length, lost, doubled, misdated };
}
