import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Fields of a line of a service's log. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A service in a process of its own; it ends with this one. */
export interface ServiceProcess {
  readonly pid: number;
  /** Fields of `service.started`: its ports. Rejects with what was said when it ends before. */
  readonly started: Promise<LogFields>;
  /** Exit code; null after a signal. */
  readonly exit: Promise<number | null>;
  /** What `/health` answers; undefined while it starts, ends or is busy: nothing is known. */
  readonly health: <T>() => Promise<T | undefined>;
  /** Sends the signal and waits until the process is gone. */
  readonly end: (signal: 'SIGTERM' | 'SIGKILL') => Promise<number | null>;
}

/** How long `/health` may take. */
const CALL_MS = 2_000;
/** Lines that are kept for the case that it does not start. */
const FIRST_LINES = 20;

/**
 * Starts a service's `main.ts` with these variables and no others of ours. Its log goes by, to `onLine` where
 * one is given; lines about its failure go to our standard error.
 */
export function startService(
  main: URL,
  env: Readonly<Record<string, string>>,
  nodeArguments: readonly string[] = [],
  onLine?: (line: string) => void,
): ServiceProcess {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, [...nodeArguments, fileURLToPath(main)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...{ PATH, NODE_COMPILE_CACHE, MALLOC_ARENA_MAX: '1' },
      WAYBILL_PARENT_PID: String(process.pid),
      ...env,
    },
  });
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
  const { promise: started, resolve, reject } = Promise.withResolvers<LogFields>();
  // Whoever does not ask for it need not hear of it.
  started.catch(() => undefined);
  const first: string[] = [];
  let port: number | undefined;
  createInterface(child.stdout).on('line', (line) => {
    if (first.length < FIRST_LINES) first.push(line);
    onLine?.(line);
    const fields = JSON.parse(line) as LogFields;
    if (fields['msg'] === 'service.failed') process.stderr.write(`${line}\n`);
    if (fields['msg'] !== 'service.started') return;
    port = Number(fields['port']);
    resolve(fields);
  });
  void exit.then(() => reject(new Error(`the service did not start:\n${first.join('\n')}`)));
  return {
    pid: child.pid ?? 0,
    started,
    exit,
    health: async <T>() => {
      if (port === undefined) return undefined;
      try {
        const signal = AbortSignal.timeout(CALL_MS);
        const response = await fetch(`http://127.0.0.1:${port}/health`, { signal });
        // The callers state the shape; a wrong one fails their assertions.
        return (await response.json()) as T;
      } catch {
        return undefined;
      }
    },
    end: async (signal) => {
      child.kill(signal);
      return exit;
    },
  };
}
