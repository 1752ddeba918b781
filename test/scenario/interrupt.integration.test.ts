import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
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

/** A demo that has said `line`; `mark` names what it started. */
async function demoAt(
  t: TestContext,
  line: RegExp,
): Promise<{ demo: ChildProcess; mark: string; told: () => string; exited: Promise<unknown[]> }> {
  // HOME and TMPDIR are handed on to everything that it starts.
  const mark = mkdtempSync(join(tmpdir(), 'waybill-interrupted-'));
  chmodSync(mark, 0o711);
  const demo = spawn(process.execPath, [main, '--scenario', 'short'], {
    env: {
      ...process.env,
      ...{ HOME: mark, TMPDIR: mark, WAYBILL_HOME: defaultHome() },
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
  return { demo, mark, told: () => told, exited };
}

async function untilNothingIsLeft(mark: string): Promise<void> {
  await until('every process to be gone', () => processesWith(mark).length === 0, {
    deadlineMs: 15_000,
  });
  rmSync(mark, { recursive: true, force: true });
}

const moments: readonly [string, RegExp][] = [
  ['while the servers start', /PostgreSQL ready/],
  ['while the services start', /starting the services/],
  ['while the recording runs', /the recording runs/],
];

for (const [moment, line] of moments) {
  test(`Ctrl-C ${moment} ends the demo with code 130 and leaves no process`, async (t) => {
    const { demo, mark, told, exited } = await demoAt(t, line);
    assert.ok(processesWith(mark).length > 1);
    demo.kill('SIGINT');
    const [code] = await exited;
    assert.equal(code, 130, told());
    await untilNothingIsLeft(mark);
  });
}

// Without a limit a demo that goes on without its broker would hold up everything behind it.
const DEADLINE = { timeout: 180_000 };

const deaths: readonly [string, RegExp, string, RegExp][] = [
  ['a broker', /the recording runs/, 'kafka.Kafka', /^kafka ended \(SIGKILL\)$/m],
  [
    'a twin',
    /starting the services/,
    'wialon-twin/src/main.ts',
    /^wialon-twin ended with SIGKILL/m,
  ],
];

for (const [who, line, program, reason] of deaths) {
  test(
    `${who} that dies ends the demo with one line, and leaves no process`,
    DEADLINE,
    async (t) => {
      const { mark, told, exited } = await demoAt(t, line);
      const victim = processesWith(mark).find((pid) =>
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(program),
      );
      process.kill(Number(victim), 'SIGKILL');
      const [code] = await exited;
      assert.equal(code, 1, told());
      assert.match(told(), reason);
      await untilNothingIsLeft(mark);
    },
  );
}
