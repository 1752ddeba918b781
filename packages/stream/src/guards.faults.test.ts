/** Takes each defence of the stream core out, one by one, and sees its test fail. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testStack, type TestStack } from '@waybill/testkit';
import { mutants, type Mutant } from './testing/mutants.ts';

const DEADLINE_MS = 300_000;
const MUTATE = new URL('testing/mutate.ts', import.meta.url).href;

let stack: TestStack;
before(async () => {
  stack = await testStack({ postgres: false });
});
after(() => stack.stop());

/** Runs one test in a process of its own; resolves with its exit code and what it printed. */
async function run({ file, test: name, mutations }: Mutant): Promise<[number | null, string]> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const pattern = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const args = ['--test-force-exit', '--test-reporter=tap', '--test-name-pattern', pattern, path];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: DEADLINE_MS,
    env: {
      ...process.env,
      NODE_OPTIONS: `--import ${MUTATE}`,
      MUTANT: JSON.stringify(mutations),
      TEST_KAFKA_BROKERS: stack.kafka.brokers.join(','),
      TEST_REGISTRY_URL: stack.registry.url,
      // Not used by these tests, but the stack counts as given only with all three.
      TEST_POSTGRES_ADMIN_URL: process.env['TEST_POSTGRES_ADMIN_URL'] ?? 'postgres://none',
      NODE_TEST_CONTEXT: undefined,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return [code, output];
}

for (const mutant of mutants) {
  test(`without ${mutant.without}: "${mutant.test}" fails`, async () => {
    const [code, output] = await run(mutant);
    const tail = output.slice(-2_000);
    assert.notEqual(code, 99, `the mutant does not apply any more: ${tail}`);
    assert.notEqual(code, 0, `the test passes without the defence, or does not exist: ${tail}`);
    const failed = output
      .split('\n')
      .some((line) => line.trim().startsWith('not ok') && line.includes(mutant.test));
    assert.ok(failed, tail);
  });
}
