import { createPool, projectionStore } from '@waybill/postgres';
import type { PositionRecorded } from '@waybill/contracts';
import type { Outgoing, StreamMetrics, Streams, Task } from '@waybill/stream';
import { idle, restore, type AtRest } from './clients-at-rest.ts';
import { detectorShaped } from './clients-detector.ts';
import {
  checksumOf,
  createDigest,
  GRACE_MS,
  WINDOW_MS,
  windowKey,
  windowStart,
} from './expectation.ts';
import { memoryStore, sendAll } from './log.ts';
import type { Measured, Meter } from '../measure.ts';
import { positionKey, positionOf, traceparentOf } from './position.ts';
import { insertHistory, upsertLatest } from './tables.ts';
import { topicsOf, type VehicleSampled, type WindowCounted } from './topics.ts';
import { createWorkload, type WorkloadOptions } from './workload.ts';

/** What the client process of a run is told. */
export interface RunSetting {
  readonly case: string;
  readonly run: string;
  readonly brokers: readonly string[];
  readonly registryUrl: string;
  readonly namespace: string;
  readonly databaseUrl: string;
  /** Its CPU is measured as well. */
  readonly brokerPid: number;
  /** Events before the clock starts, and events that are timed. */
  readonly warmup: number;
  readonly events: number;
  readonly workload: WorkloadOptions;
  /** Further arguments of node. */
  readonly clientArguments: readonly string[];
  /** Only for the detector's state: how long a fix is kept, where snapshots go, and its input. */
  readonly windowMs?: number;
  readonly stateDirectory?: string;
  readonly input?: string;
}

/** Figures, and what the parent needs to check the run. */
export interface RunResult extends Partial<Measured>, Partial<AtRest> {
  readonly digest?: string;
  readonly fixes_held?: number;
  readonly packed_mib?: number;
}

export interface ClientContext {
  readonly setting: RunSetting;
  readonly streams: Streams;
  readonly meter: Meter;
}

export type Client = (context: ClientContext) => Promise<RunResult>;

/** Events count when their transaction is committed; latencies are those of whole batches. */
export function metricsOf(meter: Meter): StreamMetrics {
  return {
    received: (_topic, count) => meter.count(count),
    batch: (_topic, seconds) => meter.latency(seconds * 1_000),
    emitted: () => undefined,
    discarded: () => undefined,
    lag: () => undefined,
    state: () => undefined,
    restored: (_topic, count) => meter.count(count),
    reworked: () => undefined,
  };
}

/** Runs a runner until the meter has what it wants. */
async function measured(
  meter: Meter,
  runner: { readonly done: Promise<void>; readonly stop: () => Promise<void> },
): Promise<Measured> {
  const result = await Promise.race([meter.finished, runner.done]);
  await runner.stop();
  if (!result) throw new Error('the runner stopped before all events were seen');
  return result;
}

const POOL_OF_RECORDS = 50_000;

/** Sends records of a pool made before the clock starts, as a load generator does. */
function produce(
  recordOf: (run: string, sampled: VehicleSampled, index: number) => Outgoing,
): Client {
  return async ({ setting, streams, meter }) => {
    const total = setting.warmup + setting.events;
    const next = createWorkload(setting.workload);
    const pool = Array.from({ length: Math.min(POOL_OF_RECORDS, total) }, (_, index) => {
      const sampled = next();
      return { sampled, record: recordOf(setting.run, sampled, index) };
    });
    const at = (index: number): (typeof pool)[number] =>
      pool[index % pool.length] as (typeof pool)[number];
    const digest = createDigest();
    for (let index = 0; index < total; index += 1) {
      const { sampled, record } = at(index);
      digest.add(record.key, sampled.event_time, sampled.latitude);
    }
    const publisher = await streams.publisher([at(0).record.topic]);
    await sendAll(
      publisher,
      total,
      (index) => at(index).record,
      (records, ms) => {
        meter.count(records);
        meter.latency(ms);
      },
    );
    await publisher.close();
    return { ...(await meter.finished), digest: digest.text() };
  };
}

const produceSampled = produce((run, value) => ({
  topic: topicsOf(run).produced,
  key: value.vehicle_id,
  message: { type: 'VehicleSampled', value },
}));

const producePosition = produce((run, sampled, index) => ({
  topic: topicsOf(run).positionProduced,
  key: positionKey(sampled),
  message: { type: 'PositionRecorded', value: positionOf(sampled, index) },
  traceparent: traceparentOf(index),
}));

/** Reads and decodes; the sum proves that every value was there. */
function consume(input: 'sampled' | 'position'): Client {
  return async ({ setting, streams, meter }) => {
    let times = 0;
    const runner = await streams.project({
      service: `consume-${setting.run}`,
      inputs: [topicsOf(setting.run)[input]],
      store: memoryStore(),
      handle: async (records) => {
        for (const { message } of records) {
          times += checksumOf(message.value as { readonly event_time: number });
        }
      },
    });
    const result = await measured(meter, runner);
    return { ...result, digest: String(times) };
  };
}

const METRES_PER_KM = 1_000;

const transactMap: Client = async ({ setting, streams, meter }) => {
  const { sampled, mapped, deadLetter } = topicsOf(setting.run);
  const task: Task = {
    handle: (records, out) => {
      for (const { key, message } of records) {
        const from = message.value as VehicleSampled;
        const value = {
          vehicle: from.vehicle_id,
          occurred_time: from.event_time,
          latitude: from.latitude,
          longitude: from.longitude,
          speed_kmh: from.speed_kmh,
          heading_deg: from.heading_deg,
          odometer_m: from.odometer_km === null ? null : from.odometer_km * METRES_PER_KM,
          ignition: from.ignition,
          source: 'telematics-v1',
        };
        out.emit({ topic: mapped, key, message: { type: 'VehicleMapped', value } });
      }
    },
  };
  const runner = await streams.transact({
    service: `map-${setting.run}`,
    inputs: [sampled],
    outputs: [mapped],
    deadLetter,
    createTask: () => task,
  });
  return measured(meter, runner);
};

/** The transformer's and the detector's topic on both sides: the record and header of the product. */
const transactPosition: Client = async ({ setting, streams, meter }) => {
  const { position, positionOut, deadLetter } = topicsOf(setting.run);
  const runner = await streams.transact({
    service: `map-${setting.run}`,
    inputs: [position],
    outputs: [positionOut],
    deadLetter,
    createTask: () => ({
      handle: (records, out) => {
        for (const { key, message, traceparent } of records) {
          const from = message.value as PositionRecorded;
          const value = { ...from, revision: from.revision + 1 };
          out.emit({
            topic: positionOut,
            key,
            message: { type: 'PositionRecorded', value },
            traceparent,
          });
        }
      },
    }),
  });
  return measured(meter, runner);
};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const transactWindow: Client = async ({ setting, streams, meter }) => {
  const { sampled, windows, windowState, deadLetter } = topicsOf(setting.run);
  const runner = await streams.transact<WindowCounted>({
    service: `window-${setting.run}`,
    inputs: [sampled],
    outputs: [windows],
    deadLetter,
    store: {
      changelog: windowState,
      toMessage: (value) => ({ type: 'WindowCounted', value }),
      fromMessage: (message) => message.value as WindowCounted,
      expiry: { ttlMs: WINDOW_MS + GRACE_MS, timeOf: ({ start_time }) => start_time },
    },
    createTask: ({ store, time }) => ({
      handle: (records, out) => {
        // One read, one change and one output per window and batch, however many samples it takes.
        const touched = new Map<string, Mutable<WindowCounted>>();
        for (const { message } of records) {
          const { vehicle_id, event_time, speed_kmh } = message.value as VehicleSampled;
          time.advance(event_time);
          if (windowStart(event_time) + WINDOW_MS + GRACE_MS <= time.now()) {
            out.skip('beyond_grace');
            continue;
          }
          const key = windowKey(vehicle_id, event_time);
          let window = touched.get(key);
          if (window === undefined) {
            const { samples = 0, speeds = 0, speed_sum = 0 } = store.get(key) ?? {};
            window = { start_time: windowStart(event_time), samples, speeds, speed_sum };
            touched.set(key, window);
          }
          window.samples += 1;
          if (speed_kmh === null) continue;
          window.speeds += 1;
          window.speed_sum += speed_kmh;
        }
        for (const [key, value] of touched) {
          store.put(key, value);
          out.emit({ topic: windows, key, message: { type: 'WindowCounted', value } });
        }
      },
    }),
  });
  return measured(meter, runner);
};

/** Partitions that write at a time; each takes one connection. */
const CONNECTIONS = 8;

function project(kind: 'latest' | 'insert'): Client {
  return async ({ setting, streams, meter }) => {
    const { sampled } = topicsOf(setting.run);
    const pool = createPool(setting.databaseUrl, {
      applicationName: 'bench',
      max: CONNECTIONS,
    });
    const runner = await streams.project({
      service: `project-${kind}-${setting.run}`,
      inputs: [sampled],
      store: projectionStore(pool, 'bench'),
      handle: async (records, tx) => {
        const samples = records.map(({ message }) => message.value as VehicleSampled);
        await (kind === 'latest' ? upsertLatest : insertHistory)(tx, setting.run, samples);
      },
    });
    const result = await measured(meter, runner);
    await pool.end();
    return result;
  };
}

/** How each case works with the port. */
export const clients: Readonly<Record<string, Client>> = {
  produce: produceSampled,
  consume: consume('sampled'),
  'transact-map': transactMap,
  'produce-position': producePosition,
  'consume-position': consume('position'),
  'transact-position': transactPosition,
  restore,
  idle,
  'detector-shaped': detectorShaped,
  'transact-window': transactWindow,
  'project-latest': project('latest'),
  'project-insert': project('insert'),
};
