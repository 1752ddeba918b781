import { instantText, localDate } from './calendar.ts';
import { timelines, type Identified } from './fixes.ts';
import type { IdMap } from './id-map.ts';
import { tripsOf } from './trips.ts';
import { visitsOf, type Zone } from './visits.ts';

/** A trip as the ERP must have it. Times are ISO instants in UTC. */
export interface TripRow {
  readonly vehicle_id: string;
  readonly start_time: string;
  readonly end_time: string;
  readonly duration_s: number;
  /** Two decimals. */
  readonly distance_km: number;
  /** Local date of the end. */
  readonly business_date: string;
}

/** A visit as the ERP must have it; not left yet = null. */
export interface VisitRow {
  readonly vehicle_id: string;
  readonly site_id: string;
  readonly entered_time: string;
  readonly left_time: string | null;
  readonly dwell_s: number | null;
  /** Local date of the entry. */
  readonly business_date: string;
}

/** A row, undefined while an id is unmapped, and what it is a row of. */
export interface Fact<Row> {
  /** Unit, and zone for a visit: facts of two moments are compared within it. */
  readonly lane: string;
  /** Epoch seconds; to is Infinity while a visit lasts. */
  readonly from: number;
  readonly to: number;
  readonly row: Row | undefined;
}

export interface Facts {
  readonly trips: readonly Fact<TripRow>[];
  readonly visits: readonly Fact<VisitRow>[];
}

/** How a tenant's facts become rows. */
export interface Company {
  readonly zone: string;
  readonly sites: readonly Zone[];
  readonly ids: IdMap;
}

/** All facts that follow from accepted fixes when everything up to `clock` (epoch seconds) is known. */
export function factsOf(company: Company, accepted: readonly Identified[], clock: number): Facts {
  const lines = [...timelines(accepted).values()];
  return {
    trips: lines
      .flatMap((line) => tripsOf(line, clock))
      .map(({ unit, start, end, metres }) => {
        const vehicle = company.ids.resolve('vehicle', unit, end);
        const row =
          vehicle === undefined ? undefined : tripRow(company, vehicle, start, end, metres);
        return { lane: unit, from: start, to: end, row };
      }),
    visits: lines
      .flatMap((line) => company.sites.flatMap((zone) => visitsOf(line, zone, clock)))
      .map(({ unit, zone, entered, left }) => {
        const vehicle = company.ids.resolve('vehicle', unit, entered);
        const site = company.ids.resolve('site', zone, entered);
        const known = vehicle !== undefined && site !== undefined;
        const row = known ? visitRow(company, vehicle, site, entered, left) : undefined;
        return { lane: `${unit} ${zone}`, from: entered, to: left ?? Infinity, row };
      }),
  };
}

function tripRow(
  company: Company,
  vehicle: string,
  start: number,
  end: number,
  metres: number,
): TripRow {
  return {
    vehicle_id: vehicle,
    start_time: instantText(start),
    end_time: instantText(end),
    duration_s: end - start,
    distance_km: Math.round(metres / 10) / 100,
    business_date: localDate(end, company.zone),
  };
}

function visitRow(
  company: Company,
  vehicle: string,
  site: string,
  entered: number,
  left: number | null,
): VisitRow {
  return {
    vehicle_id: vehicle,
    site_id: site,
    entered_time: instantText(entered),
    left_time: left === null ? null : instantText(left),
    dwell_s: left === null ? null : left - entered,
    business_date: localDate(entered, company.zone),
  };
}
