import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeArguments } from '@waybill/runtime';
import { compileCache } from '../compile-cache.ts';

/** A process that is started again when it dies, as any orchestrator does. */
export interface Supervised {
  readonly name: string;
  readonly port: number;
  readonly pid: () => number | undefined;
  readonly restarts: () => number;
  /** CPU seconds (user + system) of all incarnations. */
  readonly cpuSeconds: () => number;
  /** Greatest VmHWM of all incarnations, in bytes. */
  readonly peakRssBytes: () => number;
  readonly signal: (signal: NodeJS.Signals) => void;
  /** SIGTERM, then SIGKILL after `deadlineMs`; does not start again. */
  readonly stop: (deadlineMs?: number) => Promise<void>;
}

/** V8 lets garbage pile up to whatever it may take. */
const boundedArguments = [...nodeArguments, '--max-old-space-size=96'];
const CLOCK_TICKS_PER_S = 100;

function cpuOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_S;
  } catch {
    return 0;
  }
}

function peakOf(pid: number): number {
  try {
    const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(line?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

export interface SuperviseOptions {
  readonly name: string;
  readonly script: string;
  readonly args?: readonly string[];
  /** Arguments of node; default: those of services, with a heap that is enough for the demo's fleet. */
  readonly nodeArguments?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly port: number;
  /** Folder of the log file `<name>.log`. */
  readonly logDir: string;
  /** More restarts than this end the run with one clear line. */
  readonly maxRestarts?: number;
  readonly onGivenUp: (message: string) => void;
}

/** Starts a Node program under supervision; its output goes to a log file. */
export function supervise(options: SuperviseOptions): Supervised {
  const logFile = join(options.logDir, `${options.name}.log`);
  const log = createWriteStream(logFile, { flags: 'a' });
  log.on('error', (error) => options.onGivenUp(`cannot write ${logFile}: ${error.message}`));
  let child: ChildProcess | undefined;
  let restarts = 0;
  let stopping = false;
  let lostCpu = 0;
  let peak = 0;
  let exited: Promise<void> = Promise.resolve();
  const lastSeen = { cpu: 0 };
  const sample = setInterval(() => {
    if (child?.pid === undefined) return;
    lastSeen.cpu = Math.max(lastSeen.cpu, cpuOf(child.pid));
    peak = Math.max(peak, peakOf(child.pid));
  }, 500);
  sample.unref();

  function start(): void {
    const started = spawn(
      process.execPath,
      [...(options.nodeArguments ?? boundedArguments), options.script, ...(options.args ?? [])],
      {
        env: {
          PATH: process.env['PATH'],
          HOME: process.env['HOME'],
          WAYBILL_PARENT_PID: String(process.pid),
          NODE_COMPILE_CACHE: compileCache,
          MALLOC_ARENA_MAX: '1',
          ...options.env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
        // Its own process group: Ctrl-C reaches the demo alone, which then stops everything in order.
        detached: true,
      },
    );
    child = started;
    started.stdout.pipe(log, { end: false });
    started.stderr.pipe(log, { end: false });
    exited = new Promise((resolve) => {
      started.once('exit', (code, signal) => {
        lostCpu += lastSeen.cpu;
        lastSeen.cpu = 0;
        child = undefined;
        resolve();
        if (stopping) return;
        restarts += 1;
        const how = signal ?? `code ${code}`;
        if (code === 78 || restarts > (options.maxRestarts ?? 30)) {
          options.onGivenUp(`${options.name} ended with ${how}; see ${options.name}.log`);
          return;
        }
        // A crash loop must not take the machine; a first death is healed at once.
        setTimeout(() => !stopping && start(), Math.min(2000, 50 * restarts));
      });
    });
  }

  start();
  return {
    name: options.name,
    port: options.port,
    pid: () => child?.pid,
    restarts: () => restarts,
    cpuSeconds: () =>
      lostCpu + Math.max(lastSeen.cpu, child?.pid === undefined ? 0 : cpuOf(child.pid)),
    peakRssBytes: () => Math.max(peak, child?.pid === undefined ? 0 : peakOf(child.pid)),
    signal: (signal) => void child?.kill(signal),
    stop: async (deadlineMs = 10_000) => {
      stopping = true;
      clearInterval(sample);
      if (child?.pid !== undefined) {
        lastSeen.cpu = Math.max(lastSeen.cpu, cpuOf(child.pid));
        peak = Math.max(peak, peakOf(child.pid));
      }
      const kill = setTimeout(() => child?.kill('SIGKILL'), deadlineMs);
      child?.kill('SIGTERM');
      await exited;
      clearTimeout(kill);
      log.end();
    },
  };
}
