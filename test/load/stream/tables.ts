import { binaryArray, type PoolClient } from '@waybill/postgres';
import type { VehicleSampled } from './topics.ts';

const COLUMNS =
  'vehicle_id, event_time, latitude, longitude, speed_kmh, heading_deg, odometer_km, ignition';

const INPUT = `select * from unnest($1::text[], $2::timestamptz[], $3::float8[], $4::float8[],
  $5::real[], $6::integer[], $7::float8[], $8::boolean[])`;

const latestTable = (run: string): string => `bench.latest_${run}`;
const historyTable = (run: string): string => `bench.history_${run}`;

/** Both tables of a run, as the peers have them. */
export function tablesOf(run: string): string {
  const columns = `vehicle_id text, event_time timestamptz(3), latitude float8 not null,
    longitude float8 not null, speed_kmh real, heading_deg integer, odometer_km float8, ignition boolean`;
  return `create table ${latestTable(run)} (${columns}, primary key (vehicle_id));
    create table ${historyTable(run)} (${columns}, primary key (vehicle_id, event_time))`;
}

function arraysOf(samples: readonly VehicleSampled[]): Buffer[] {
  return [
    binaryArray(
      'text',
      samples.map((s) => s.vehicle_id),
    ),
    binaryArray(
      'instant',
      samples.map((s) => s.event_time),
    ),
    binaryArray(
      'double',
      samples.map((s) => s.latitude),
    ),
    binaryArray(
      'double',
      samples.map((s) => s.longitude),
    ),
    binaryArray(
      'real',
      samples.map((s) => s.speed_kmh),
    ),
    binaryArray(
      'integer',
      samples.map((s) => s.heading_deg),
    ),
    binaryArray(
      'double',
      samples.map((s) => s.odometer_km),
    ),
    binaryArray(
      'boolean',
      samples.map((s) => s.ignition),
    ),
  ];
}

const byVehicle = (a: VehicleSampled, b: VehicleSampled): number =>
  a.vehicle_id < b.vehicle_id ? -1 : a.vehicle_id > b.vehicle_id ? 1 : 0;

/** Keeps the newest event of each vehicle by event time; an older or equal one changes nothing. */
export async function upsertLatest(
  tx: PoolClient,
  run: string,
  samples: readonly VehicleSampled[],
): Promise<void> {
  const newest = new Map<string, VehicleSampled>();
  for (const sampled of samples) {
    const known = newest.get(sampled.vehicle_id);
    if (known === undefined || sampled.event_time > known.event_time) {
      newest.set(sampled.vehicle_id, sampled);
    }
  }
  const rows = [...newest.values()].sort(byVehicle);
  const updates = COLUMNS.split(', ')
    .slice(1)
    .map((name) => `${name} = excluded.${name}`);
  await tx.query({
    name: `latest_${run}`,
    text: `insert into ${latestTable(run)} as t (${COLUMNS}) ${INPUT}
      on conflict (vehicle_id) do update set ${updates.join(', ')}
      where excluded.event_time > t.event_time`,
    values: arraysOf(rows),
  });
}

/** One row per event; one that is already there is the same event. */
export async function insertHistory(
  tx: PoolClient,
  run: string,
  samples: readonly VehicleSampled[],
): Promise<void> {
  await tx.query({
    name: `history_${run}`,
    text: `insert into ${historyTable(run)} (${COLUMNS}) ${INPUT} on conflict do nothing`,
    values: arraysOf(samples),
  });
}

/** The rows of `latest` as one comparable text each. */
export const readLatest = (run: string): string =>
  `select vehicle_id, (extract(epoch from event_time) * 1000)::bigint::text as time,
     latitude, longitude, speed_kmh, heading_deg, odometer_km, ignition from ${latestTable(run)}`;

/** Order-independent sums over `history`. */
export const sumHistory = (run: string): string =>
  `select concat_ws('|', count(*), sum((extract(epoch from event_time) * 1000)::bigint),
     sum(round((latitude * 1e6)::numeric)), sum(coalesce((speed_kmh * 8)::bigint, 0)),
     sum(coalesce(heading_deg, 0)), sum(coalesce((odometer_km * 4)::bigint, 0)),
     count(*) filter (where ignition)) as text from ${historyTable(run)}`;
