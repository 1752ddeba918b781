import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { freePort } from './ports.ts';

const PORTS = 50;
const program = `
  import { freePort } from ${JSON.stringify(import.meta.resolve('./ports.ts'))};
  const ports = [];
  while (ports.length < ${PORTS}) ports.push(await freePort());
  process.stdout.write(JSON.stringify(ports));
`;

async function portsOfAnotherProcess(): Promise<readonly number[]> {
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program]);
  return JSON.parse(stdout) as readonly number[];
}

test('ports given out and not used yet are given to nobody else, in no process', async () => {
  const own = Array.from({ length: PORTS }, () => freePort());
  const others = [portsOfAnotherProcess(), portsOfAnotherProcess()];
  const ports = (await Promise.all([Promise.all(own), ...others])).flat();
  assert.equal(new Set(ports).size, 3 * PORTS);
});

test('a process that has given out its whole block begins anew with what is free', async () => {
  const ports: number[] = [];
  while (ports.length < 250) ports.push(await freePort());
  assert.ok(new Set(ports).size < 100);
});
