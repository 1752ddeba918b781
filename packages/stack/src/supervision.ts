import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { stackFault } from './errors.ts';

export interface SupervisedCommand {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly stopSignal: 'SIGTERM' | 'SIGINT';
  /** 0 ends first, 1 after all of 0 have ended. */
  readonly stopTurn: 0 | 1;
  readonly user?: { readonly uid: number; readonly gid: number };
}

export type SupervisorReport =
  | { readonly type: 'started'; readonly name: string; readonly pid: number }
  | { readonly type: 'ended'; readonly name: string; readonly how: string };

/** Our side of the supervisor. */
export interface Supervision {
  readonly pid: number;
  /** Pids of the servers that run, by name. */
  readonly children: ReadonlyMap<string, number>;
  readonly start: (command: SupervisedCommand) => void;
  /**
   * Resolves when `ready` does; asks again every 50 ms. Throws STACK_PART_FAILED with the end of its
   * log when the server has ended or the deadline is over.
   */
  readonly untilReady: (
    command: SupervisedCommand,
    ready: () => Promise<boolean>,
    deadlineMs: number,
  ) => Promise<void>;
  /** Ends all servers in order and the supervisor; resolves when they are gone. */
  readonly stop: () => Promise<void>;
  /** Lets our process end while the stack runs (which ends the stack). */
  readonly unref: () => void;
}

const POLL_MS = 50;
/** Above the supervisor's own deadlines for two turns. */
const STOP_LIMIT_MS = 30_000;

/**
 * Starts a supervisor. `onEnd` hears of a server that ended although nobody asked it to, how, and the line
 * of its log that most likely says why. `dir` stands in
 * its command line only to recognise it. An aborted `signal` ends the waiting for servers with its reason.
 */
export function supervise(
  dir: string,
  onEnd: (name: string, how: string) => void,
  signal?: AbortSignal,
): Supervision {
  const supervisor = spawn(
    process.execPath,
    [fileURLToPath(new URL('./supervisor.ts', import.meta.url)), dir],
    { stdio: ['pipe', 'pipe', 'inherit'], detached: true },
  );
  const { pid } = supervisor;
  if (pid === undefined) throw stackFault('STACK_PART_FAILED', 'the supervisor did not start');
  const children = new Map<string, number>();
  const ended = new Map<string, string>();
  const logFiles = new Map<string, string>();
  let stopping = false;
  const gone = new Promise<void>((resolve) => supervisor.once('exit', () => resolve()));
  supervisor.stdin.on('error', () => undefined);
  createInterface({ input: supervisor.stdout }).on('line', (line) => {
    const report = JSON.parse(line) as SupervisorReport;
    if (report.type === 'started') {
      children.set(report.name, report.pid);
      return;
    }
    children.delete(report.name);
    ended.set(report.name, report.how);
    if (!stopping) void tellEnd(report);
  });

  async function tellEnd({ name, how }: { name: string; how: string }): Promise<void> {
    // Who was killed had no time to write why.
    const line = how === 'SIGKILL' ? '' : `: ${await lastLine(logFiles.get(name) ?? '')}`;
    onEnd(name, `${how}${line}`);
  }

  return {
    pid,
    children,
    start: (command) => {
      ended.delete(command.name);
      logFiles.set(command.name, command.logFile);
      supervisor.stdin.write(`${JSON.stringify(command)}\n`);
    },
    untilReady: async (command, ready, deadlineMs) => {
      const deadline = Date.now() + deadlineMs;
      for (;;) {
        signal?.throwIfAborted();
        const how = ended.get(command.name);
        const late = Date.now() > deadline ? `no answer in ${deadlineMs / 1000} s` : undefined;
        if (how !== undefined || late !== undefined) {
          throw stackFault(
            'STACK_PART_FAILED',
            `${command.name} did not start (${how ?? late}): ${await lastLine(command.logFile)} [${command.logFile}]`,
          );
        }
        if (await ready()) return;
        await delay(POLL_MS);
      }
    },
    stop: async () => {
      stopping = true;
      supervisor.ref();
      supervisor.stdin.end();
      const killer = setTimeout(() => process.kill(-pid, 'SIGKILL'), STOP_LIMIT_MS);
      await gone;
      clearTimeout(killer);
    },
    unref: () => {
      supervisor.unref();
      for (const stream of [supervisor.stdin, supervisor.stdout]) {
        if ('unref' in stream && typeof stream.unref === 'function') stream.unref();
      }
    },
  };
}

/** The line of a server's log that most likely says why it ended. */
async function lastLine(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const trimmed = text.split('\n').map((line) => line.trim());
  const lines = trimmed.filter((line) => !line.startsWith('at '));
  const telling = lines.findLast((line) =>
    /FATAL|PANIC|ERROR|Exception|could not|Error:/.test(line),
  );
  return telling ?? lines.findLast(Boolean) ?? 'its log is empty';
}
