import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { freePort } from './ports.ts';

const PORTS = 50;
/** Lives until its input ends: what a process held is free again when it ends. */
const program = `
  import { freePort } from ${JSON.stringify(import.meta.resolve('./ports.ts'))};
  const ports = [];
  while (ports.length < ${PORTS}) ports.push(await freePort());
  console.log(JSON.stringify(ports));
  process.stdin.resume();
`;

function otherProcess(): {
  readonly ports: Promise<readonly number[]>;
  readonly end: () => Promise<unknown>;
} {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const line = once(createInterface(child.stdout), 'line');
  return {
    ports: line.then(([text]) => JSON.parse(String(text)) as readonly number[]),
    end: () => {
      child.stdin.end();
      return exit;
    },
  };
}

test('ports given out and not used yet are given to nobody else, in no process', async () => {
  const own = Array.from({ length: PORTS }, () => freePort());
  const others = [otherProcess(), otherProcess()];
  const theirs = others.map(({ ports }) => ports);
  const ports = (await Promise.all([Promise.all(own), ...theirs])).flat();
  await Promise.all(others.map(({ end }) => end()));
  assert.equal(new Set(ports).size, 3 * PORTS);
});

test('a process that has given out its whole block begins anew with what is free', async () => {
  const ports: number[] = [];
  while (ports.length < 250) ports.push(await freePort());
  assert.ok(new Set(ports).size < 100);
});
