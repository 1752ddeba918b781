import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../../packages/wialon-twin/src/main.ts', import.meta.url));

/** A twin as a process of its own. */
export interface TwinProcess {
  readonly url: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

async function portOf(child: ChildProcess): Promise<number> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    if (text.includes('\n')) return (JSON.parse(text) as { port: number }).port;
  }
  throw new Error('the twin ended before it listened');
}

/** Starts `packages/wialon-twin` with these arguments; it ends with this process. */
export async function startTwinProcess(args: readonly string[]): Promise<TwinProcess> {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, WAYBILL_PARENT_PID: String(process.pid) },
  });
  const port = await portOf(child);
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    stop: async () => {
      if (child.exitCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
