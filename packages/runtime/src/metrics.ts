import { readFileSync } from 'node:fs';
import type { Fault } from '@waybill/fault';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** Seconds; from a fast lookup to the slowest call that we wait for. */
const DURATION_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** One call per series, which the caller keeps. */
export interface Tally {
  readonly labels: (labels: Readonly<Record<string, string>>) => { readonly inc: () => void };
}

/** The metrics of one process. Names: `<noun>_<what>_<base unit>[_total]`; labels from closed sets. */
export interface Metrics {
  readonly counter: (name: string, help: string, labels?: readonly string[]) => Counter;
  /** A counter that costs an addition per count: prom-client hears of them when the metrics are read. */
  readonly tally: (name: string, help: string, labels: readonly string[]) => Tally;
  readonly gauge: (name: string, help: string, labels?: readonly string[]) => Gauge;
  /** Default buckets: 1 ms to 30 s. */
  readonly histogram: (
    name: string,
    help: string,
    labels?: readonly string[],
    buckets?: readonly number[],
  ) => Histogram;
  readonly streamRecordsReceived: Counter;
  readonly streamRecordsEmitted: Counter;
  readonly streamRecordsDiscarded: Counter;
  readonly streamBatchDuration: Histogram;
  readonly streamLag: Gauge;
  readonly streamState: Gauge;
  readonly streamRecordsRestored: Counter;
  readonly streamRecordsReworked: Counter;
  /** Counts a fault in `errors_total`. */
  readonly error: (fault: Fault) => void;
  /** Prometheus text exposition. */
  readonly text: () => Promise<string>;
  readonly contentType: string;
}

/** A registry of its own per call, so that several services can live in one test process. */
export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counter: Metrics['counter'] = (name, help, labels = []) =>
    new Counter({ name, help, labelNames: [...labels], registers });
  const tally: Metrics['tally'] = (name, help, labelNames) => {
    const series = new Map<
      string,
      { readonly labels: Readonly<Record<string, string>>; count: number }
    >();
    const counted: Counter = new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers,
      collect: () => {
        for (const one of series.values()) {
          counted.inc(one.labels, one.count);
          one.count = 0;
        }
      },
    });
    return {
      labels: (labels) => {
        const text = JSON.stringify(labels);
        const one = series.get(text) ?? { labels, count: 0 };
        series.set(text, one);
        return { inc: () => (one.count += 1) };
      },
    };
  };
  const gauge: Metrics['gauge'] = (name, help, labels = []) =>
    new Gauge({ name, help, labelNames: [...labels], registers });
  const histogram: Metrics['histogram'] = (name, help, labels = [], buckets = DURATION_BUCKETS) =>
    new Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers });

  const peak: Gauge = new Gauge({
    name: 'process_peak_rss_bytes',
    help: 'Highest resident memory since start.',
    registers,
    collect: () => peak.set(peakRssBytes()),
  });
  const errors = counter('errors_total', 'Faults by where and what.', [
    'stage',
    'kind',
    'code',
    'category',
  ]);
  return {
    counter,
    tally,
    gauge,
    histogram,
    streamRecordsReceived: counter('stream_records_received_total', 'Records read.', ['topic']),
    streamRecordsEmitted: counter('stream_records_emitted_total', 'Records written.', ['topic']),
    streamRecordsDiscarded: counter('stream_records_discarded_total', 'Elements not passed on.', [
      'reason',
      'intentional',
    ]),
    streamBatchDuration: histogram('stream_batch_duration_seconds', 'Handling of one batch.', [
      'topic',
    ]),
    streamLag: gauge('stream_lag_records', 'Records between position and end.', [
      'topic',
      'partition',
    ]),
    streamState: gauge('stream_state_bytes', 'Stores and buffers of a task.', ['task', 'kind']),
    streamRecordsRestored: counter(
      'stream_records_restored_total',
      'Records read to restore or rebuild state.',
      ['topic'],
    ),
    streamRecordsReworked: counter(
      'stream_records_reworked_total',
      'Records of reworks: done, refused, missing or failed.',
      ['outcome'],
    ),
    error: ({ stage, kind, code, category }) => errors.inc({ stage, kind, code, category }),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

/** VmHWM of this process; where there is no /proc, the peak that getrusage reports. */
function peakRssBytes(): number {
  try {
    const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kib !== undefined) return Number(kib) * 1024;
  } catch {
    // No /proc on this system.
  }
  return process.resourceUsage().maxRSS * 1024;
}

/** The numbers that the stream core reports; fits its `StreamMetrics` structurally. */
export interface StreamCounters {
  readonly received: (topic: string, count: number) => void;
  readonly emitted: (topic: string, count: number) => void;
  readonly discarded: (reason: string, intentional: boolean, count: number) => void;
  readonly batch: (topic: string, seconds: number) => void;
  readonly lag: (topic: string, partition: number, records: number) => void;
  readonly state: (partition: number, storeBytes: number, bufferBytes: number) => void;
  readonly restored: (topic: string, count: number) => void;
  readonly reworked: (outcome: 'done' | 'refused' | 'missing' | 'failed', count: number) => void;
}

/** Wires the stream core to the process's registry. */
export function streamMetrics(metrics: Metrics): StreamCounters {
  return {
    received: (topic, count) => metrics.streamRecordsReceived.inc({ topic }, count),
    emitted: (topic, count) => metrics.streamRecordsEmitted.inc({ topic }, count),
    discarded: (reason, intentional, count) =>
      metrics.streamRecordsDiscarded.inc({ reason, intentional: String(intentional) }, count),
    batch: (topic, seconds) => metrics.streamBatchDuration.observe({ topic }, seconds),
    lag: (topic, partition, records) => metrics.streamLag.set({ topic, partition }, records),
    state: (task, storeBytes, bufferBytes) => {
      metrics.streamState.set({ task, kind: 'store' }, storeBytes);
      metrics.streamState.set({ task, kind: 'buffer' }, bufferBytes);
    },
    restored: (topic, count) => metrics.streamRecordsRestored.inc({ topic }, count),
    reworked: (outcome, count) => metrics.streamRecordsReworked.inc({ outcome }, count),
  };
}
