/**
 * Worker thread that sends prepared requests over plain sockets: a library's client costs more CPU than
 * the server under test. Closed loop: each connection sends its next request when it has the answer. Open
 * loop (`rate`): requests are due at fixed times whatever the server does, and a latency counts from when
 * the request was due.
 */
import { connect, type Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { answerReader } from './answers.ts';
import { buildRequests, type Requests, type RequestShape } from './requests.ts';

export interface Load {
  readonly port: number;
  readonly connections: number;
  readonly shape: RequestShape;
  readonly warmupSeconds: number;
  readonly seconds: number;
  /** Requests per second of the open loop; undefined = closed loop. */
  readonly rate?: number | undefined;
  /** Requests prepared before the clock. */
  readonly prepared: number;
  /** The server takes a request as often as it comes; otherwise one that runs out of them fails the run. */
  readonly reusable?: boolean | undefined;
}

export interface Sent {
  /** Answers per status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** Of the 2xx, ms, sorted. */
  readonly latencies: Float64Array;
  /** Longest time for which this thread did not look at its connections; latencies hold it, too. */
  readonly stallMs: number;
  /** Connections that broke. */
  readonly broken: number;
  /** The prepared requests did not last: the figures mean nothing. */
  readonly ranOut: boolean;
  /** CPU of this thread for one request, µs. */
  readonly cpuUs: number;
}

/** Messages to the bench: `ready`, `timing` (the warm-up is over), then the result. */
export type Message =
  | { readonly kind: 'ready' }
  | { readonly kind: 'timing' }
  | { readonly kind: 'sent'; readonly sent: Sent };

interface Line {
  readonly socket: Socket;
  dueAt: number;
  busy: boolean;
}

if (parentPort !== null) {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  const post = (message: Message): void => parentPort?.postMessage(message);
  // The bench gives exactly this.
  const load = workerData as Load;
  const run = Math.random().toString(36).slice(2, 8);
  const requests = buildRequests(load.shape, load.prepared, run);
  post({ kind: 'ready' });
  parentPort.once('message', () => {
    generate(load, requests, () => post({ kind: 'timing' }))
      .then((sent) => post({ kind: 'sent', sent }))
      .finally(() => parentPort?.close());
  });
}

async function generate(load: Load, requests: Requests, onTiming: () => void): Promise<Sent> {
  const statuses: Record<string, number> = {};
  const latencies = createSamples(requests.count);
  let broken = 0;
  let next = 0;
  let timing = false;
  let over = false;
  let ranOut = false;
  const free: Line[] = [];
  const due: number[] = [];

  const answered = (line: Line, status: number): void => {
    line.busy = false;
    if (timing) {
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status < 300) latencies.add(performance.now() - line.dueAt);
    }
    const dueAt = load.rate === undefined ? performance.now() : due.shift();
    if (dueAt === undefined) free.push(line);
    else sendNext(line, dueAt);
  };
  const sendNext = (line: Line, dueAt: number): void => {
    if (over) return;
    if (load.reusable) next %= requests.count;
    if (next >= requests.count) {
      ranOut = true;
      return;
    }
    line.dueAt = dueAt;
    line.busy = true;
    line.socket.write(requests.at(next));
    next += 1;
  };
  const lines = await Promise.all(
    Array.from({ length: load.connections }, () =>
      openLine(load.port, answered, () => {
        if (!over) broken += 1;
      }),
    ),
  );
  const tick = load.rate === undefined ? undefined : openLoop(load.rate, free, due, sendNext);
  if (load.rate === undefined) for (const line of lines) sendNext(line, performance.now());
  else free.push(...lines);
  await pause(load.warmupSeconds);
  timing = true;
  onTiming();
  const stall = longestTurn();
  const began = performance.now();
  const cpu = process.threadCpuUsage();
  await pause(load.seconds);
  const { user, system } = process.threadCpuUsage(cpu);
  const seconds = (performance.now() - began) / 1000;
  timing = false;
  const stallMs = stall();
  over = true;
  clearInterval(tick);
  for (const { socket } of lines) socket.destroy();
  const count = Object.values(statuses).reduce((sum, each) => sum + each, 0);
  return {
    statuses,
    seconds,
    latencies: latencies.sorted(),
    stallMs,
    broken,
    ranOut,
    cpuUs: (user + system) / Math.max(1, count),
  };
}

/** Numbers in one piece of memory, which grows when it must. */
function createSamples(capacity: number): {
  readonly add: (value: number) => void;
  readonly sorted: () => Float64Array;
} {
  let values = new Float64Array(Math.max(1, capacity));
  let count = 0;
  return {
    add: (value) => {
      if (count === values.length) {
        const more = new Float64Array(2 * count);
        more.set(values);
        values = more;
      }
      values[count] = value;
      count += 1;
    },
    sorted: () => values.slice(0, count).sort(),
  };
}

const TURN_MS = 2;

/** Looks at the clock every 2 ms; the result ends it and says by how much the latest look was late. */
function longestTurn(): () => number {
  let longest = 0;
  let last = performance.now();
  const look = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last - TURN_MS);
    last = now;
  };
  const timer = setInterval(look, TURN_MS);
  return () => {
    clearInterval(timer);
    look();
    return longest;
  };
}

/** Arrivals at fixed distances; what finds no free connection waits for one. */
function openLoop(
  rate: number,
  free: Line[],
  due: number[],
  sendNext: (line: Line, dueAt: number) => void,
): NodeJS.Timeout {
  const began = performance.now();
  let arrived = 0;
  return setInterval(() => {
    const now = performance.now();
    for (; began + (arrived * 1000) / rate <= now; arrived += 1) {
      const dueAt = began + (arrived * 1000) / rate;
      const line = free.pop();
      if (line === undefined) due.push(dueAt);
      else sendNext(line, dueAt);
    }
  }, 1);
}

function openLine(
  port: number,
  answered: (line: Line, status: number) => void,
  onBroken: () => void,
): Promise<Line> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const line: Line = { socket, dueAt: 0, busy: false };
    socket.once('connect', () => resolve(line));
    socket.once('error', reject);
    socket.once('close', onBroken);
    socket.on('error', () => undefined);
    socket.on(
      'data',
      answerReader((status) => answered(line, status)),
    );
  });
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
