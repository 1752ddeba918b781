import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { defaultHome } from '@waybill/stack';
import { machineCpuSeconds, processCpuSeconds, round } from '../measure.ts';
import type { Bench } from './cases.ts';
import { topicsOf } from './topics.ts';

const SAMPLE_MS = 100;
/** How long ConsumerPerformance waits for records; its own 10 s are over before it has joined on a busy machine. */
const TOOL_TIMEOUT_MS = 120_000;

interface ToolRun {
  readonly output: string;
  readonly cpu: number;
  readonly machineCpu: number;
}

function cpuOf(pid: number): number {
  try {
    return processCpuSeconds(pid);
  } catch {
    return 0;
  }
}

/** A tool of Kafka from the stack's own libraries; CPU includes the start of its JVM. */
async function runTool(name: string, args: readonly string[]): Promise<ToolRun> {
  const java = process.env['JAVA_HOME'] ? join(process.env['JAVA_HOME'], 'bin', 'java') : 'java';
  const classPath = join(defaultHome(), 'kafka-4.3.1', '*');
  const machineBefore = machineCpuSeconds();
  const child = spawn(java, ['-cp', classPath, `org.apache.kafka.tools.${name}`, ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let cpu = 0;
  let output = '';
  const sample = setInterval(() => {
    cpu = Math.max(cpu, cpuOf(child.pid ?? 0));
  }, SAMPLE_MS);
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', () => resolve());
    });
  } finally {
    clearInterval(sample);
  }
  return { output, cpu, machineCpu: machineCpuSeconds() - machineBefore };
}

function figures(run: ToolRun, events: number, eventsPerS: number): object {
  return {
    events,
    events_per_s: Math.round(eventsPerS),
    cpu_s_per_million: round((run.cpu / events) * 1e6, 2),
    machine_cpu_s_per_million: round((run.machineCpu / events) * 1e6, 2),
  };
}

/** Kafka's ProducerPerformance: random values of one size, no keys, idempotent, acks = all. */
export async function javaProduce(bench: Bench, valueBytes: number, run: string): Promise<object> {
  const { produced } = topicsOf(run);
  const { admin, connection, partitions, events } = bench;
  await admin.provision([produced], { task: partitions, source: partitions });
  const result = await runTool('ProducerPerformance', [
    ...['--topic', `${connection.namespace}${produced.name}`],
    ...['--num-records', String(events), '--record-size', String(valueBytes)],
    ...['--throughput', '-1', '--producer-props'],
    `bootstrap.servers=${connection.brokers.join(',')}`,
    ...['acks=all', 'enable.idempotence=true', 'linger.ms=10'],
  ]);
  const speed = /records sent, ([\d.]+) records\/sec/.exec(
    result.output.trim().split('\n').at(-1) ?? '',
  )?.[1];
  if (speed === undefined) throw new Error(`ProducerPerformance said: ${result.output}`);
  return figures(result, events, Number(speed));
}

/** Kafka's ConsumerPerformance over the common input: fetches and counts, decodes nothing. */
export async function javaConsume(bench: Bench, run: string): Promise<object> {
  const { sampled } = topicsOf(run);
  const { connection, warmup, events } = bench;
  const total = warmup + events;
  const result = await runTool('ConsumerPerformance', [
    ...['--bootstrap-server', connection.brokers.join(',')],
    ...['--topic', `${connection.namespace}${sampled.name}`],
    ...['--group', `java-${run}`, '--num-records', String(total), '--hide-header'],
    ...['--timeout', String(TOOL_TIMEOUT_MS)],
  ]);
  // start, end, MB, MB/s, records, records/s, rebalance ms, fetch ms, fetch MB/s, fetch records/s
  const fields = (result.output.trim().split('\n').at(-1) ?? '').split(', ');
  const speed = Number(fields[9]);
  if (!(speed > 0)) throw new Error(`ConsumerPerformance said: ${result.output}`);
  return figures(result, total, speed);
}
