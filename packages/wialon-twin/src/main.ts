import { writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { readCommandLine, usage, UsageError } from './options.ts';
import { readScenario } from './scenario.ts';
import { startTwin } from './twin.ts';

const PARENT_CHECK_MS = 1000;

/** Stops a twin whose parent died without a signal, so that no run leaves a process behind. */
function watchParent(stop: () => void): void {
  const parent = Number(process.env['WAYBILL_PARENT_PID'] ?? 0);
  if (!Number.isInteger(parent) || parent <= 0) return;
  setInterval(() => {
    try {
      process.kill(parent, 0);
    } catch {
      stop();
    }
  }, PARENT_CHECK_MS).unref();
}

// Polls of a fast clock allocate in bursts, for which V8 would keep 30 MB more than the twin needs.
setFlagsFromString('--semi-space-growth-factor=1');

async function main(): Promise<void> {
  const { scenario: name, troubleOut, ...options } = readCommandLine(process.argv.slice(2));
  const twin = await startTwin({ ...options, scenario: readScenario(name) });
  let stopping: Promise<void> | undefined;
  const stop = (): void => {
    stopping ??= twin.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  watchParent(stop);
  // A reader that went away is no reason to fail: the twin serves its clients, not its output.
  process.stdout.on('error', () => undefined);
  if (troubleOut !== undefined) writeFileSync(troubleOut, `${JSON.stringify(twin.plan)}\n`);
  process.stdout.write(`${JSON.stringify({ port: twin.port })}\n`);
}

try {
  await main();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  const isUsage = error instanceof UsageError;
  process.stderr.write(`${isUsage ? `${message}\n${usage}` : `twin: ${message}`}\n`);
  process.exit(isUsage ? 64 : 1);
}
