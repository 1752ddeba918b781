import assert from 'node:assert/strict';
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findJdk } from './jdk.ts';
import { kafkaLibraries } from './maven.ts';
import { sqlClient } from './postgres-programs.ts';
import { defaultHome, type Stack, type StackOptions, startStack } from './index.ts';

const run = promisify(execFile);
const INDEX = fileURLToPath(new URL('./index.ts', import.meta.url));
const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const DEADLINE_MS = 60_000;

let dir: string;
let open: (() => unknown)[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'waybill-stack-'));
  open = [];
});
afterEach(async () => {
  for (const close of open.reverse()) await close();
  await rm(dir, { recursive: true, force: true });
});

async function start(options: Partial<StackOptions> = {}): Promise<Stack> {
  const stack = await startStack({ dir, fast: true, log: () => undefined, ...options });
  open.push(stack.stop);
  return stack;
}

const DATABASE_ONLY = { kafka: false, registry: false };

/** A zombie counts as gone: in a container nobody may reap what was orphaned. */
function isAlive(pid: number): boolean {
  try {
    const state = execFileSync('ps', ['-o', 'stat=', '-p', String(pid)])
      .toString()
      .trim();
    return state !== '' && !state.startsWith('Z');
  } catch {
    return false;
  }
}

async function untilGone(pids: readonly number[]): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (pids.some(isAlive)) {
    assert.ok(Date.now() < deadline, `still alive: ${pids.filter(isAlive).join()}`);
    await delay(50);
  }
}

/** Another process that starts a stack on `dir` and tells the process ids. */
async function otherProcess(options: object): Promise<{ child: ChildProcess; pids: number[] }> {
  const code = `
    const { startStack } = await import(${JSON.stringify(INDEX)});
    const stack = await startStack({ ...${JSON.stringify({ dir, fast: true, ...options })}, log: () => {} });
    console.log(JSON.stringify(Object.values(stack.pids)));
    setInterval(() => {}, 1000);`;
  const args = ['--input-type=module', '-e', code];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let pids: number[] = [];
  open.push(async () => {
    child.kill('SIGKILL');
    // Its servers still write while they stop, and the folder is deleted next.
    await untilGone(pids);
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  pids = JSON.parse(line.toString()) as number[];
  return { child, pids };
}

async function sql(url: string, text: string): Promise<readonly unknown[]> {
  const client = sqlClient(url);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

async function topics(stack: Stack, ...args: string[]): Promise<string> {
  const context = { home: defaultHome(), jdk: await findJdk(process.env), log: () => undefined };
  const jars = join(await kafkaLibraries(context), '*');
  const tool = 'org.apache.kafka.tools.TopicCommand';
  const server = ['--bootstrap-server', stack.kafka.brokers.join(',')];
  const jvm = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', jars];
  return (await run(context.jdk.java, [...jvm, tool, ...server, ...args])).stdout;
}

test('topics, databases and schemas outlive a restart on the same folder, whose ports change', async () => {
  const first = await start();
  const pids = Object.values(first.pids);
  assert.deepEqual(Object.keys(first.pids).sort(), ['kafka', 'postgres', 'registry', 'supervisor']);
  await topics(first, '--create', '--topic', 'a.b.event.v1', '--partitions', '3');
  await sql(await first.createDatabase('books'), 'create table page (id int)');
  const schema = JSON.stringify({ type: 'record', name: 'A', fields: [] });
  const versions = `${first.registry.url}/subjects/a-value/versions`;
  const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
  const body = JSON.stringify({ schema });
  assert.equal((await fetch(versions, { method: 'POST', headers, body })).status, 200);
  const { compatibilityLevel } = (await (
    await fetch(`${first.registry.url}/config/a-value?defaultToGlobal=true`)
  ).json()) as { compatibilityLevel: string };
  assert.equal(compatibilityLevel, 'BACKWARD');
  await first.stop();
  await first.stop();
  assert.deepEqual(pids.filter(isAlive), []);

  const second = await start();
  assert.match(await topics(second, '--list'), /^a\.b\.event\.v1$/m);
  assert.deepEqual(await sql(await second.createDatabase('books'), 'select id from page'), []);
  assert.deepEqual(await (await fetch(`${second.registry.url}/subjects`)).json(), ['a-value']);
});

test('SIGKILL of the process that started the stack orphans nothing, and the folder works again', async () => {
  const { child, pids } = await otherProcess({ registry: false });
  assert.equal(pids.length, 3);
  child.kill('SIGKILL');
  await untilGone(pids);
  await start(DATABASE_ONLY);
});

test('a supervisor that was killed leaves servers; the next start on the folder ends them', async () => {
  const { child, pids } = await otherProcess(DATABASE_ONLY);
  const [supervisor = 0, ...servers] = pids;
  process.kill(supervisor, 'SIGKILL');
  child.kill('SIGKILL');
  await untilGone([supervisor]);
  assert.deepEqual(servers.filter(isAlive), servers);
  await start(DATABASE_ONLY);
  assert.deepEqual(servers.filter(isAlive), []);
});

test('a server that ends by itself is told, with what its log says', async () => {
  const ended = Promise.withResolvers<string>();
  const onEnd = (name: string, how: string): void => ended.resolve(`${name} ended (${how})`);
  const stack = await start({ ...DATABASE_ONLY, onEnd });
  process.kill(stack.pids['postgres'] ?? 0, 'SIGTERM');
  assert.match(await ended.promise, /^postgres ended \(exit code 0: .*shut down\)$/);
});

test('two stacks on one folder are refused, two on two folders run', async () => {
  const { child } = await otherProcess(DATABASE_ONLY);
  await assert.rejects(start(DATABASE_ONLY), {
    kind: 'misconfigured',
    code: 'STACK_DIR_IN_USE',
    message: `process ${child.pid} runs a stack on ${dir}: stop it or choose another folder`,
  });
  await start({ ...DATABASE_ONLY, dir: join(dir, 'second') });
});

test('the data stand in the folder even when it lies in a private temporary one', async () => {
  await start({ ...DATABASE_ONLY, dir: join(dir, 'private', 'stack') });
  assert.ok((await stat(join(dir, 'private', 'stack', 'postgres', 'data'))).isDirectory());
});

test('a busy port is named in one line, and nothing is left running', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const ports = { postgres: address.port };
  await assert.rejects(start({ ...DATABASE_ONLY, ports }), {
    kind: 'misconfigured',
    code: 'STACK_PORT_BUSY',
    message: `port ${address.port} for PostgreSQL cannot be used (EADDRINUSE): end the program that holds it or choose another (0 = any free), or use \`docker compose up\` instead`,
  });
  await start(DATABASE_ONLY);
});

test('a start is ended by its signal, and nothing is left running', async () => {
  const reason = new Error('enough');
  const ending = new AbortController();
  // PostgreSQL is ready long before Kafka.
  const log = (): void => ending.abort(reason);
  await assert.rejects(start({ registry: false, signal: ending.signal, log }), reason);
  await start(DATABASE_ONLY);
});

test('a missing Maven is named in one line', async () => {
  const jdk = await findJdk(process.env);
  const path = process.env['PATH'];
  process.env['PATH'] = join(jdk.home, 'bin');
  try {
    await assert.rejects(start({ home: join(dir, 'cache') }), {
      kind: 'misconfigured',
      code: 'STACK_NO_MAVEN',
      message:
        'needs Maven, mvn is not on the PATH: install it, or use `docker compose up` instead',
    });
  } finally {
    process.env['PATH'] = path;
  }
});

test('the address of a part that is off is refused, not invented', async () => {
  const stack = await start(DATABASE_ONLY);
  assert.throws(() => stack.kafka, { code: 'STACK_PART_OFF' });
  assert.throws(() => stack.registry, { code: 'STACK_PART_OFF' });
});

test('the command prints addresses, stops on Ctrl-C and ends with 0', async () => {
  const args = [MAIN, '--dir', dir, '--free-ports', '--without', 'kafka', '--without', 'registry'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  open.push(() => child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (output.includes('Ctrl-C') && !child.killed) child.kill('SIGINT');
  });
  const [code] = (await once(child, 'exit')) as [number];
  assert.equal(code, 0);
  assert.match(output, /postgres:\/\/waybill:waybill@127\.0\.0\.1:\d+\/postgres/);
  assert.match(output, /stopped\n$/);
});

test('a wrong option ends with one line and 78', async () => {
  for (const args of [['--kafka-port', 'x'], ['--without', 'erp'], ['--nonsense']]) {
    const failure = run(process.execPath, [MAIN, ...args]);
    await assert.rejects(failure, (error: { code: number; stderr: string }) => {
      assert.equal(error.code, 78);
      assert.match(error.stderr, /^stack: .*\n$/);
      return true;
    });
  }
});
