import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';

const CLOCK_TICKS_PER_S = 100;

/** Busy CPU seconds of the whole machine since it started; time stolen by a hypervisor is left out. */
export function machineCpuSeconds(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq) / CLOCK_TICKS_PER_S;
}

/** User and system CPU seconds of another process of this machine, all threads. */
export function processCpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name stands in brackets and may hold anything; the fields behind it count from the state, number 3.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_S;
}

/** User and system CPU seconds of this process, all threads. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** A memory figure of this process in MiB: VmHWM is the greatest resident set, VmRSS the present one. */
export function memoryMib(figure: 'VmHWM' | 'VmRSS'): number {
  const text = readFileSync('/proc/self/status', 'utf8');
  const kib = Number(new RegExp(`${figure}:\\s+(\\d+) kB`).exec(text)?.[1] ?? 0);
  return Math.round(kib / 102.4) / 10;
}

/** `2 × AMD EPYC 7763, 24 GiB, Node 24.21.0`. */
export function machineName(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown CPU';
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${availableParallelism()} × ${model}, ${memory} GiB, Node ${process.versions.node}`;
}

/** Nearest-rank percentile of sorted values. */
function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

export const round = (value: number, digits = 1): number => Number(value.toFixed(digits));

/** What one run of a case measured. */
export interface Measured {
  readonly events: number;
  readonly seconds: number;
  readonly events_per_s: number;
  readonly cpu_s_per_million: number;
  readonly machine_cpu_s_per_million: number;
  readonly broker_cpu_s_per_million: number;
  readonly peak_rss_mib: number;
  readonly p50_ms?: number;
  readonly p95_ms?: number;
  readonly p99_ms?: number;
}

/**
 * Counts events and takes the time from the first to the last after the warm-up. *warming* → *timing* at
 * `warmup` events → *finished* at `warmup` + `events`; what is counted later is not measured.
 */
export interface Meter {
  readonly count: (events: number) => void;
  /** A duration in ms that goes into the percentiles. */
  readonly latency: (ms: number) => void;
  readonly finished: Promise<Measured>;
}

export function createMeter(warmup: number, events: number, brokerPid: number): Meter {
  const { promise: finished, resolve } = Promise.withResolvers<Measured>();
  const latencies: number[] = [];
  const start = { seen: 0, time: 0, cpu: 0, machine: 0, broker: 0 };
  let seen = 0;

  function begin(): void {
    start.seen = seen;
    start.time = performance.now();
    start.cpu = cpuSeconds();
    start.machine = machineCpuSeconds();
    start.broker = processCpuSeconds(brokerPid);
    latencies.length = 0;
  }

  function finish(): void {
    // A batch may reach over the end of the warm-up.
    const timed = seen - start.seen;
    const seconds = (performance.now() - start.time) / 1_000;
    const cpu = cpuSeconds() - start.cpu;
    const machine = machineCpuSeconds() - start.machine;
    const broker = processCpuSeconds(brokerPid) - start.broker;
    const sorted = latencies.toSorted((a, b) => a - b);
    resolve({
      events: timed,
      seconds: round(seconds, 3),
      events_per_s: Math.round(timed / seconds),
      cpu_s_per_million: round((cpu / timed) * 1e6, 2),
      machine_cpu_s_per_million: round((machine / timed) * 1e6, 2),
      broker_cpu_s_per_million: round((broker / timed) * 1e6, 2),
      peak_rss_mib: memoryMib('VmHWM'),
      ...(sorted.length > 0 && {
        p50_ms: round(percentile(sorted, 0.5)),
        p95_ms: round(percentile(sorted, 0.95)),
        p99_ms: round(percentile(sorted, 0.99)),
      }),
    });
  }

  if (warmup === 0) begin();
  return {
    finished,
    latency: (ms) => {
      latencies.push(ms);
    },
    count: (more) => {
      const before = seen;
      seen += more;
      if (before < warmup && seen >= warmup) begin();
      if (before < warmup + events && seen >= warmup + events) finish();
    },
  };
}
