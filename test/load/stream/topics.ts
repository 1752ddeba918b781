import {
  compileContract,
  topics as catalogue,
  type Contract,
  type ElementRejected,
  type Message,
  type PositionRecorded,
  type Topic,
} from '@waybill/contracts';

/** What the benchmarks carry; the catalogue holds the product's records only. */
export interface VehicleSampled {
  readonly vehicle_id: string;
  /** Ms since epoch. */
  readonly event_time: number;
  readonly latitude: number;
  readonly longitude: number;
  readonly speed_kmh: number | null;
  readonly heading_deg: number | null;
  readonly odometer_km: number | null;
  readonly ignition: boolean | null;
}

/** A sample with other names, metres and a constant: the same work as the peers' transform. */
export interface VehicleMapped {
  readonly vehicle: string;
  readonly occurred_time: number;
  readonly latitude: number;
  readonly longitude: number;
  readonly speed_kmh: number | null;
  readonly heading_deg: number | null;
  readonly odometer_m: number | null;
  readonly ignition: boolean | null;
  readonly source: string;
}

/** Aggregate of one vehicle and minute. */
export interface WindowCounted {
  /** Ms since epoch. */
  readonly start_time: number;
  readonly samples: number;
  readonly speeds: number;
  readonly speed_sum: number;
}

export type Sampled = Message<'VehicleSampled', VehicleSampled>;
export type Mapped = Message<'VehicleMapped', VehicleMapped>;
export type Counted = Message<'WindowCounted', WindowCounted>;
export type Position = Message<'PositionRecorded', PositionRecorded>;

const instant = { type: 'long', logicalType: 'timestamp-millis' };
const optional = (name: string, type: string): object => ({
  name,
  type: ['null', type],
  default: null,
});

function record<T>(name: string, fields: readonly object[]): Contract<T> {
  const schema = { type: 'record', namespace: 'bench', name, fields };
  return compileContract<T>(JSON.stringify(schema), '1.0');
}

const sampled: Contract<VehicleSampled> = record('VehicleSampled', [
  { name: 'vehicle_id', type: 'string' },
  { name: 'event_time', type: instant },
  { name: 'latitude', type: 'double' },
  { name: 'longitude', type: 'double' },
  optional('speed_kmh', 'float'),
  optional('heading_deg', 'int'),
  optional('odometer_km', 'double'),
  optional('ignition', 'boolean'),
]);

const mapped: Contract<VehicleMapped> = record('VehicleMapped', [
  { name: 'vehicle', type: 'string' },
  { name: 'occurred_time', type: instant },
  { name: 'latitude', type: 'double' },
  { name: 'longitude', type: 'double' },
  optional('speed_kmh', 'float'),
  optional('heading_deg', 'int'),
  optional('odometer_m', 'double'),
  optional('ignition', 'boolean'),
  { name: 'source', type: 'string' },
]);

const counted: Contract<WindowCounted> = record('WindowCounted', [
  { name: 'start_time', type: instant },
  { name: 'samples', type: 'long' },
  { name: 'speeds', type: 'long' },
  { name: 'speed_sum', type: 'double' },
]);

function topic<M extends Message>(
  name: string,
  contracts: Topic<M>['contracts'],
  compacted = false,
): Topic<M> {
  return {
    name,
    key: 'vehicle',
    partitioning: 'task',
    compacted,
    compressed: false,
    retentionDays: 1,
    madeBy: ['bench'],
    readBy: ['bench'],
    contracts,
  };
}

/**
 * Topics of one run. `run` keeps what a run writes apart from the others; the input is filled once and
 * read by all.
 */
export function topicsOf(run: string): {
  readonly sampled: Topic<Sampled>;
  readonly produced: Topic<Sampled>;
  readonly mapped: Topic<Mapped>;
  readonly windows: Topic<Counted>;
  readonly windowState: Topic<Counted>;
  readonly position: Topic<Position>;
  readonly positionProduced: Topic<Position>;
  readonly positionOut: typeof catalogue.position;
  readonly deadLetter: Topic<Message<'ElementRejected', ElementRejected>>;
} {
  const { PositionRecorded } = catalogue.position.contracts;
  return {
    sampled: topic('bench.sampled.event.v1', { VehicleSampled: sampled }),
    produced: topic(`bench.produced-${run}.event.v1`, { VehicleSampled: sampled }),
    mapped: topic(`bench.mapped-${run}.event.v1`, { VehicleMapped: mapped }),
    windows: topic(`bench.window-${run}.event.v1`, { WindowCounted: counted }),
    windowState: topic(`bench.window-${run}.state.v1`, { WindowCounted: counted }, true),
    position: topic('bench.position.event.v1', { PositionRecorded }),
    positionProduced: topic(`bench.position-${run}.event.v1`, { PositionRecorded }),
    // Under its own name, so that the codec treats it as the transformer's output.
    positionOut: catalogue.position,
    deadLetter: { ...catalogue.detectorDeadLetter, name: 'bench.dead-letter.v1' },
  };
}
