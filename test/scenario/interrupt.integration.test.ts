import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultHome } from '@waybill/stack';
import { until } from '@waybill/testkit';

const main = new URL('../demo/main.ts', import.meta.url).pathname;

/** Processes that carry the mark in their environment: everything the demo started, at any depth. */
function processesWith(mark: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(mark);
      } catch {
        return false;
      }
    });
}

const moments: readonly [string, RegExp][] = [
  ['while the servers start', /PostgreSQL ready/],
  ['while the services start', /starting the services/],
  ['while the recording runs', /the recording runs/],
];

for (const [moment, line] of moments) {
  test(`Ctrl-C ${moment} ends the demo with code 130 and leaves no process`, async (t) => {
    // HOME is the one variable that the demo hands on to everything it starts.
    const mark = mkdtempSync(join(tmpdir(), 'waybill-interrupted-'));
    const demo = spawn(process.execPath, [main, '--scenario', 'short'], {
      env: {
        ...process.env,
        ...{ HOME: mark, WAYBILL_HOME: defaultHome() },
        // One compiler is enough for servers that hardly work: a third of their start.
        JAVA_TOOL_OPTIONS: '-XX:TieredStopAtLevel=1',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    t.after(() => demo.kill('SIGINT'));
    const exited = once(demo, 'exit');
    let told = '';
    demo.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
    await until(`the demo to say ${line.source}`, () => line.test(told), {
      deadlineMs: 120_000,
    }).catch((error: unknown) => assert.fail(`${String(error)}\n${told}`));
    assert.ok(processesWith(mark).length > 1);
    demo.kill('SIGINT');
    const [code] = (await exited) as [number | null];
    assert.equal(code, 130, told);
    await until('every process to be gone', () => processesWith(mark).length === 0, {
      deadlineMs: 15_000,
    });
    rmSync(mark, { recursive: true, force: true });
  });
}
