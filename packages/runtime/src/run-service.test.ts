import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { test, type TestContext } from 'node:test';

const sample = fileURLToPath(new URL('./testing/sample-service.ts', import.meta.url));

interface Sample {
  readonly child: ChildProcess;
  readonly lines: Record<string, unknown>[];
  /** The line with that `msg`, waited for. */
  readonly line: (msg: string) => Promise<Record<string, unknown>>;
  readonly exit: Promise<number | null>;
}

function start(
  t: TestContext,
  env: Record<string, string> = {},
  args: readonly string[] = [],
): Sample {
  const child = spawn(process.execPath, [sample, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  const lines: Record<string, unknown>[] = [];
  const exit = once(child, 'close').then(([code]) => code as number | null);
  let arrived = Promise.withResolvers<void>();
  createInterface(child.stdout).on('line', (text) => {
    lines.push(JSON.parse(text) as Record<string, unknown>);
    arrived.resolve();
    arrived = Promise.withResolvers();
  });
  const line = async (msg: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const found = lines.find((entry) => entry['msg'] === msg);
      if (found !== undefined) return found;
      const ended = await Promise.race([arrived.promise, exit.then(() => 'exit' as const)]);
      assert.notEqual(ended, 'exit', `no ${msg} in ${JSON.stringify(lines)}`);
    }
  };
  return { child, lines, line, exit };
}

const messages = (running: Sample): unknown[] => running.lines.map((line) => line['msg']);

test('a service starts, answers, and stops in order on SIGTERM', { timeout: 20_000 }, async (t) => {
  const running = start(t);
  const started = await running.line('service.started');
  assert.equal(started['extra_port'], 4711);
  const base = `http://127.0.0.1:${String(started['port'])}`;
  const health = await fetch(`${base}/health`);
  assert.equal(health.status, 200);
  assert.equal(((await health.json()) as Record<string, unknown>)['answer'], 42);
  const echo = await fetch(`${base}/echo?q=1`, { method: 'POST', body: 'hi' });
  assert.deepEqual(await echo.json(), { query: '1', body: 'hi' });
  assert.match(await (await fetch(`${base}/metrics`)).text(), /service="sample"/);
  running.child.kill('SIGTERM');
  await running.line('sample.draining');
  running.child.kill('SIGINT');
  assert.equal(await running.exit, 0);
  assert.deepEqual(messages(running), [
    'service.listening',
    'service.started',
    'sample.draining',
    'sample.drained',
    'service.stopped',
  ]);
  assert.equal((await running.line('sample.draining'))['aborted'], true);
  assert.equal((await running.line('service.stopped'))['reason'], 'SIGTERM');
});

test('a misconfiguration is one line and exit 78', { timeout: 20_000 }, async (t) => {
  const running = start(t, { HTTP_PORT: 'many', INGEST_SAMPEL: 'typo' });
  assert.equal(await running.exit, 78);
  assert.equal(running.lines.length, 1);
  const failed = await running.line('service.failed');
  assert.equal(failed['code'], 'CONFIG_INVALID');
  assert.match(String(failed['message']), /HTTP_PORT.*\n.*did you mean INGEST_SAMPLE\?/);
});

test('a failed start is exit 1 with code and message', { timeout: 20_000 }, async (t) => {
  const running = start(t, { SAMPLE_BEHAVIOUR: 'fail-start' });
  assert.equal(await running.exit, 1);
  assert.deepEqual(messages(running), ['service.listening', 'service.failed']);
  assert.equal((await running.line('service.failed'))['code'], 'BROKER_AWAY');
});

test('a service whose work fails drains and ends with exit 1', { timeout: 20_000 }, async (t) => {
  const running = start(t, { SAMPLE_BEHAVIOUR: 'fail-later' });
  assert.equal(await running.exit, 1);
  assert.ok(messages(running).includes('sample.drained'));
  assert.equal((await running.line('service.failed'))['code'], 'FENCED');
});

test('a rejection that nobody handles ends the process', { timeout: 20_000 }, async (t) => {
  const running = start(t, { SAMPLE_BEHAVIOUR: 'reject' });
  assert.equal(await running.exit, 1);
  const failed = await running.line('service.failed');
  assert.equal(failed['code'], 'UNEXPECTED');
  assert.match(JSON.stringify(failed), /nobody awaited.*stack/);
});

test('a service does not outlive its parent', { timeout: 20_000 }, async (t) => {
  const parent = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  t.after(() => parent.kill('SIGKILL'));
  const running = start(t, { WAYBILL_PARENT_PID: String(parent.pid) });
  await running.line('service.started');
  parent.kill('SIGKILL');
  assert.equal(await running.exit, 0);
  assert.equal((await running.line('service.stopped'))['reason'], 'parent gone');
});

test('a service whose output nobody reads any more stops', { timeout: 20_000 }, async (t) => {
  const running = start(t, { SAMPLE_BEHAVIOUR: 'chatty' });
  await running.line('service.started');
  running.child.stdout?.destroy();
  assert.equal(await running.exit, 0);
});

test(
  'an unknown argument is one line and exit 64; --help lists the variables',
  { timeout: 20_000 },
  async (t) => {
    const running = start(t, {}, ['--wrong']);
    let stderr = '';
    running.child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    assert.equal(await running.exit, 64);
    assert.match(stderr, /^sample: unknown argument --wrong; .*--help.*\n$/);
  },
);
