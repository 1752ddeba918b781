/**
 * The process between us and the servers. It runs in its own session (Ctrl-C in a terminal does not
 * reach the servers behind our back) and holds the reading end of a pipe from the process that
 * started the stack. When that pipe closes, be it by stop(), a crash or SIGKILL of that process, it
 * ends the servers in order and then itself. So nothing is ever orphaned.
 *
 * Lines in: SupervisedCommand. Lines out: SupervisorReport.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { SupervisedCommand, SupervisorReport } from './supervision.ts';

/** A controlled shutdown of the broker takes 1–3 s; what needs longer is killed. */
const STOP_DEADLINE_MS = 10_000;

interface Running {
  readonly command: SupervisedCommand;
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
}

const running = new Map<string, Running>();
let stopping = false;

function report(line: SupervisorReport): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function start(command: SupervisedCommand): void {
  const { name } = command;
  const log = openSync(command.logFile, 'a');
  const child = spawn(command.program, command.args, {
    cwd: command.cwd,
    env: { ...process.env, ...command.env },
    stdio: ['ignore', log, log],
    ...command.user,
  });
  closeSync(log);
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      running.delete(name);
      report({ type: 'ended', name, how: error.message });
      resolve();
    });
    child.once('exit', (code, signal) => {
      running.delete(name);
      report({ type: 'ended', name, how: signal ?? `exit code ${code}` });
      resolve();
    });
  });
  running.set(name, { command, child, ended });
  if (child.pid !== undefined) report({ type: 'started', name, pid: child.pid });
}

async function end({ command, child, ended }: Running): Promise<void> {
  child.kill(command.stopSignal);
  const late = new AbortController();
  await Promise.race([
    ended.then(() => late.abort()),
    delay(STOP_DEADLINE_MS, undefined, { signal: late.signal }).catch(() => undefined),
  ]);
  child.kill('SIGKILL');
  await ended;
}

/** PostgreSQL goes last: the registry still writes to it while it stops. */
async function endAll(): Promise<void> {
  if (stopping) return;
  stopping = true;
  for (const turn of [0, 1]) {
    const due = [...running.values()].filter(({ command }) => command.stopTurn === turn);
    await Promise.all(due.map(end));
  }
  process.exit(0);
}

// The reader of our reports may be gone already; that must not keep us from stopping the servers.
process.stdout.on('error', () => undefined);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => void endAll());
}
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  if (!stopping) start(JSON.parse(line) as SupervisedCommand);
});
lines.on('close', () => void endAll());
