import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { nodeArguments } from '@waybill/runtime';
import type { RunResult, RunSetting } from './clients.ts';

const clientFile = fileURLToPath(new URL('client.ts', import.meta.url));

/** Several times what the largest case takes on two quiet cores. */
const LIMIT_MS = 45 * 60_000;
const ENDING_MS = 5_000;

/** Runs a case in a process of its own, started like a service; rejects when it fails. */
export async function runClient(setting: RunSetting): Promise<RunResult> {
  const child = fork(clientFile, {
    execArgv: [...nodeArguments, ...setting.clientArguments],
    env: { ...process.env, MALLOC_ARENA_MAX: '1' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  try {
    return await new Promise<RunResult>((resolve, reject) => {
      child.once('message', (answer: { result?: RunResult; error?: string }) => {
        if (answer.result) resolve(answer.result);
        else reject(new Error(`${setting.case}: ${answer.error}`));
      });
      child.once('exit', (code, signal) => {
        reject(new Error(`${setting.case}: the client ended with ${signal ?? code}`));
      });
      child.send(setting);
    });
  } finally {
    // It reported and ends by itself; what does not is ended.
    await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, ENDING_MS))]);
    clearTimeout(limit);
    child.kill('SIGKILL');
  }
}
