import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { readScenario } from './scenario.ts';
import { planScenario } from './twin.ts';

const folder = mkdtempSync(join(tmpdir(), 'wialon-twin-'));
after(() => rmSync(folder, { recursive: true }));

function run(...args: string[]): ChildProcess {
  const main = join(import.meta.dirname, 'main.ts');
  return spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

async function ended(child: ChildProcess): Promise<{ code: unknown; errors: string }> {
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const [code] = (await once(child, 'close')) as unknown[];
  return { code, errors };
}

test('the process prints its port, writes its plan, serves, and stops on SIGTERM', async () => {
  const file = join(folder, 'trouble.json');
  const child = run('--scenario', 'short', '--seed', '11', '--start-held', '--trouble-out', file);
  assert.ok(child.stdout);
  const [line] = (await once(createInterface(child.stdout), 'line')) as string[];
  const { port } = JSON.parse(line ?? '') as { port: number };
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), planScenario(readScenario('short'), 11));
  const clock = await (await fetch(`http://127.0.0.1:${port}/twin/clock`)).json();
  assert.equal((clock as { elapsed_s: number }).elapsed_s, 0);
  child.kill('SIGTERM');
  assert.equal((await ended(child)).code, 0);
});

test('--help explains every option and ends with exit code 0', async () => {
  const child = run('--help');
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  assert.equal((await ended(child)).code, 0);
  assert.match(text, /usage: npm run twin/);
  assert.match(text, /--session-idle-s <s> +silence after which/);
});

test('options that cannot be followed end with one clear line and exit code 64', async () => {
  const cases: readonly (readonly [args: string[], message: RegExp])[] = [
    [['--sped', '3'], /Unknown option '--sped'/],
    [['--speed', 'fast'], /--speed must be a number/],
    [['--seed', '1.5'], /--seed must be a whole number/],
    [['--port', '70000'], /--port must be a number from 0 to 65535/],
    [['--faults'], /--faults/],
  ];
  const results = await Promise.all(cases.map(([args]) => ended(run(...args))));
  for (const [index, { code, errors }] of results.entries()) {
    assert.equal(code, 64);
    assert.match(errors, cases[index]?.[1] ?? /never/);
    assert.match(errors, /^twin: .*; --help lists the options\n$/);
  }
});

test('a fault script that cannot be followed is named with its line', async () => {
  const file = join(folder, 'faults.json');
  writeFileSync(file, '[\n  { "at_s": 1, "kind": "cut", "svc": "avl_event" }\n]\n');
  const { code, errors } = await ended(run('--units', '1', '--faults', file));
  assert.equal(code, 1);
  assert.match(errors, /^twin: .*faults\.json, line 2: svc must be \* or one of .*\n$/);
});

test('an unknown scenario and a busy port are named', async () => {
  const missing = await ended(run('--scenario', 'nowhere'));
  assert.equal(missing.code, 1);
  assert.match(missing.errors, /nowhere\.json/);
  const busy = createServer().listen(0, '127.0.0.1');
  await once(busy, 'listening');
  const address = busy.address();
  assert.ok(typeof address === 'object' && address !== null);
  const refused = await ended(run('--scenario', 'short', '--port', String(address.port)));
  busy.close();
  assert.equal(refused.code, 1);
  assert.match(refused.errors, /EADDRINUSE/);
});
