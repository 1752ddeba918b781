import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { startStack, type Stack } from '@waybill/stack';
import { machineCpuSeconds, machineName, round } from '../measure.ts';
import { hasPeers, runPeer } from '../peers.ts';
import type { Load, Message, Sent } from './generator.ts';
import { startPeer } from './peers.ts';
import { treeCpuSeconds } from './process-cpu.ts';
import type { RequestShape } from './requests.ts';
import { stallFigures } from './stalls.ts';
import { compareInTurn } from './turns.ts';
import { openDoor, startFloor, type Door, type Target } from './target.ts';
import { useDatabase } from './used-database.ts';

/** More than any server here answers in a second; what is left over was prepared for nothing. */
const PREPARED_PER_S = { single: 30_000, batch: 8_000 };
/** When they are used up before the time is, that is warm enough. */
const SETTLE_PER_S = 10_000;
const MANY_CONNECTIONS = 1000;
/** Share of the greatest rate at which latencies are looked at. */
const OPEN_LOOP_SHARE = 0.7;
/** Of door and peer in turn: each one's spell. */
const TURN_S = 3;
const TURN_WARMUP_S = 1;

const USAGE = `npm run bench -- ingest [options]

  --batch        events per request: 1 and 50 unless one is named
  --seconds      of each measurement              (default 10)
  --warmup       seconds before the clock starts  (default 10)
  --settle       seconds of load before the first measurement, so that the broker, which compiles
                 itself while it runs, costs every case the same  (default 20)
  --connections  of the closed loop               (default 64)
  --repeat       rounds of all measurements       (default 1)
  --only         door, floor, rate, memory; comma list (default all)
  --peers        Bento as well, by ../shared/peers: by its own command, and in turn with the door
  --turns        of 4 s each, with --peers        (default 16)
`;

interface Options {
  readonly seconds: number;
  readonly warmup: number;
  readonly settle: number;
  readonly connections: number;
  readonly batches: readonly number[];
  readonly repeat: number;
  readonly only: readonly string[];
  readonly peers: boolean;
  readonly turns: number;
}

type Print = (line: object) => void;

/**
 * The door under load, with its floor (the same HTTP server doing only raw body and HMAC) beside it:
 * greatest rate of a closed loop, latencies at 70 % of it in an open loop, memory with 1,000 connections.
 */
export async function ingestBench(args: readonly string[], print: Print): Promise<void> {
  const options = readOptions(args);
  if (options === undefined) {
    console.error(USAGE);
    return;
  }
  const dir = mkdtempSync(join(tmpdir(), 'waybill-bench-'));
  const stack = await startStack({ dir: join(dir, 'stack'), log: (line) => console.error(line) });
  try {
    const door = await openDoor(stack, dir, 'bench-');
    const line = (result: object): void =>
      print({ bench: 'ingest', machine: machineName(), ...result });
    await useDatabase(stack);
    await settle(door, options);
    for (let round = 0; round < options.repeat; round += 1) {
      for (const batch of options.batches) {
        // One measurement at a time.
        // oxlint-disable-next-line eslint/no-await-in-loop
        await measureBatch({ stack, door, batch, options, line });
      }
    }
    await door.close();
  } finally {
    await stack.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Single events, nobody counts them. */
async function settle(door: Door, { connections, settle: seconds }: Options): Promise<void> {
  if (seconds === 0) return;
  const target = await door.start();
  const shape: RequestShape = { dialect: 'waybill', batch: 1 };
  const prepared = SETTLE_PER_S * seconds;
  const load = { connections, shape, warmupSeconds: seconds, seconds: 0, prepared };
  await generate({ ...load, port: target.port }, () => undefined);
  await target.stop();
}

function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '10' },
      warmup: { type: 'string', default: '10' },
      settle: { type: 'string', default: '20' },
      connections: { type: 'string', default: '64' },
      batch: { type: 'string' },
      repeat: { type: 'string', default: '1' },
      only: { type: 'string', default: 'floor,door,rate,memory' },
      peers: { type: 'boolean', default: false },
      turns: { type: 'string', default: '16' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    seconds: Number(values.seconds),
    warmup: Number(values.warmup),
    settle: Number(values.settle),
    connections: Number(values.connections),
    batches: values.batch === undefined ? [1, 50] : [Number(values.batch)],
    repeat: Number(values.repeat),
    only: values.only.split(','),
    peers: values.peers,
    turns: Number(values.turns),
  };
}

interface Round {
  readonly stack: Stack;
  readonly door: Door;
  readonly batch: number;
  readonly options: Options;
  readonly line: Print;
}

async function measureBatch({ stack, door, batch, options, line }: Round): Promise<void> {
  const { seconds, warmup, connections, only } = options;
  const shape: RequestShape = { dialect: 'waybill', batch };
  const prepared = preparedPerS(batch) * (seconds + warmup);
  const load = { connections, shape, warmupSeconds: warmup, seconds, prepared };
  if (only.includes('floor')) {
    line({
      case: 'floor',
      batch,
      ...(await measured(stack, startFloor, { ...load, reusable: true })),
    });
  }
  if (only.includes('door')) await measureDoor({ stack, door, batch, options, line }, load);
  if (only.includes('door') && only.includes('memory')) {
    const many = { ...load, connections: MANY_CONNECTIONS };
    const figures = await measured(stack, () => door.start(), many);
    line({ case: 'door, 1000 connections', batch, ...figures });
  }
  if (options.peers && hasPeers()) {
    const sized = ['--seconds', String(seconds), '--connections', String(connections)];
    const lines = await runPeer(stack, ['bento', `ingest-${batch}`, ...sized]);
    for (const peer of lines) line(peer);
    const peerLoad: Omit<Load, 'port'> = { ...load, shape: { dialect: 'peers', batch } };
    await measureInTurn({ stack, door, batch, options, line }, { door: load, peer: peerLoad });
    if (!only.includes('memory')) return;
    const many = { ...peerLoad, connections: MANY_CONNECTIONS };
    const crowded = await measured(stack, () => startPeer(stack), many);
    line({ case: 'bento, 1000 connections', batch, ...crowded });
  }
}

/** Door and peer side by side on one stack under one generator, warmed up, then loaded in turn. */
async function measureInTurn(
  { stack, door, batch, options, line }: Round,
  loads: Readonly<Record<'door' | 'peer', Omit<Load, 'port'>>>,
): Promise<void> {
  const targets = { door: await door.start(), peer: await startPeer(stack) };
  const spell = (who: 'door' | 'peer', warmupSeconds: number): Promise<Figures> => {
    const prepared = preparedPerS(batch) * (warmupSeconds + TURN_S);
    const load = { ...loads[who], warmupSeconds, seconds: TURN_S, prepared };
    return loaded(stack, targets[who], load);
  };
  try {
    await spell('door', options.warmup);
    await spell('peer', options.warmup);
    const compared = await compareInTurn({
      rounds: options.turns,
      door: () => spell('door', TURN_WARMUP_S),
      peer: () => spell('peer', TURN_WARMUP_S),
    });
    const { door: own, peer, ...ratio } = compared;
    line({ case: 'door, in turn', batch, turns: options.turns, ...own, ...ratio });
    line({ case: 'bento, in turn', batch, turns: options.turns, ...peer });
  } finally {
    await targets.door.stop();
    await targets.peer.stop();
  }
}

function preparedPerS(batch: number): number {
  return batch === 1 ? PREPARED_PER_S.single : PREPARED_PER_S.batch;
}

/** Both loops on one process: what is compiled while it warms up must not count in either. */
async function measureDoor(
  { stack, door, batch, options, line }: Round,
  load: Omit<Load, 'port'>,
): Promise<void> {
  const before = await door.records();
  const target = await door.start();
  try {
    const greatest = await loaded(stack, target, load);
    const records = (await door.records()) - before;
    line({ case: 'door', batch, ...greatest, records_with_warmup: records });
    if (!options.only.includes('rate')) return;
    const rate = Math.round(greatest.requests_per_s * OPEN_LOOP_SHARE);
    line({
      case: 'door at 70 %',
      batch,
      rate,
      ...(await loaded(stack, target, { ...load, rate })),
    });
  } finally {
    await target.stop();
  }
}

interface Figures extends Readonly<Record<string, unknown>> {
  readonly requests_per_s: number;
}

/** Starts a target, loads it, stops it. */
async function measured(
  stack: Stack,
  start: () => Promise<Target>,
  load: Omit<Load, 'port'>,
): Promise<Figures> {
  const target = await start();
  try {
    return await loaded(stack, target, load);
  } finally {
    await target.stop();
  }
}

async function loaded(stack: Stack, target: Target, load: Omit<Load, 'port'>): Promise<Figures> {
  const used = usage(stack, target);
  let before = Promise.resolve('');
  const sent = await generate({ ...load, port: target.port }, () => {
    used.begin();
    before = target.metrics?.() ?? before;
  });
  if (sent.ranOut) {
    throw new Error(
      `expected ${load.prepared} prepared requests to last, found the server faster: raise PREPARED_PER_S of test/load/ingest/bench.ts`,
    );
  }
  const figures = figuresOf(sent, load, used.end());
  const after = await target.metrics?.();
  return after === undefined ? figures : { ...figures, ...stallFigures(await before, after) };
}

/** CPU seconds of the measured time by who used them, and memory at its end. */
interface Used {
  readonly cpu: number;
  readonly machine: number;
  readonly postgres: number;
  readonly kafka: number;
  readonly rss: number;
  readonly peakRss: number;
}

function usage(
  stack: Stack,
  target: Target,
): { readonly begin: () => void; readonly end: () => Used } {
  const { pids } = stack;
  const named = (part: string): number[] =>
    Object.entries(pids).flatMap(([name, pid]) => (name.includes(part) ? [pid] : []));
  const trees = (part: string): number =>
    named(part).reduce((sum, pid) => sum + treeCpuSeconds(pid), 0);
  const now = (): Pick<Used, 'cpu' | 'machine' | 'postgres' | 'kafka'> => ({
    cpu: target.cpuSeconds(),
    machine: machineCpuSeconds(),
    postgres: trees('postgres'),
    kafka: trees('kafka'),
  });
  let before = now();
  return {
    begin: () => {
      before = now();
    },
    end: () => {
      const after = now();
      return {
        cpu: after.cpu - before.cpu,
        machine: after.machine - before.machine,
        postgres: after.postgres - before.postgres,
        kafka: after.kafka - before.kafka,
        rss: target.memoryMib('VmRSS'),
        peakRss: target.memoryMib('VmHWM'),
      };
    },
  };
}

function figuresOf(sent: Sent, load: Omit<Load, 'port'>, used: Used): Figures {
  const good = sent.statuses['200'] ?? 0;
  const events = good * load.shape.batch;
  const perMillion = (cpuSeconds: number): number => round((cpuSeconds / events) * 1e6, 1);
  const percentile = (share: number): number =>
    round(sent.latencies[Math.max(0, Math.ceil(sent.latencies.length * share) - 1)] ?? 0);
  return {
    connections: load.connections,
    requests_per_s: Math.round(good / sent.seconds),
    events_per_s: Math.round(events / sent.seconds),
    p50_ms: percentile(0.5),
    p95_ms: percentile(0.95),
    p99_ms: percentile(0.99),
    cpu_s_per_million: perMillion(used.cpu),
    machine_cpu_s_per_million: perMillion(used.machine),
    // Per request, beside the door's own.
    generator_cpu_us: round(sent.cpuUs),
    generator_stall_ms: round(sent.stallMs),
    postgres_cpu_us: round((used.postgres / good) * 1e6),
    kafka_cpu_us: round((used.kafka / good) * 1e6),
    rss_mib: used.rss,
    peak_rss_mib: used.peakRss,
    statuses: sent.statuses,
    broken_connections: sent.broken,
  };
}

/** Runs the generator in a thread of its own; `onTiming` when the warm-up is over. */
async function generate(load: Load, onTiming: () => void): Promise<Sent> {
  const worker = new Worker(new URL('generator.ts', import.meta.url), { workerData: load });
  const sent = Promise.withResolvers<Sent>();
  worker.on('error', sent.reject);
  worker.on('message', (message: Message) => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    if (message.kind === 'ready') worker.postMessage('go');
    else if (message.kind === 'timing') onTiming();
    else sent.resolve(message.sent);
  });
  const result = await sent.promise;
  await once(worker, 'exit');
  return result;
}
