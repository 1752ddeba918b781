/**
 * `npm run test:integration` (and `npm run test:faults` with --faults): starts the local stack once and
 * runs the tests that need it one after another. KAFKA_BROKERS and friends point them at another stack.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStack } from '@waybill/stack';
import { testFiles } from './files.ts';

const args = process.argv.slice(2);
const suffix = args.includes('--faults') ? '.faults.test.ts' : '.integration.test.ts';
const only = args.filter((arg) => !arg.startsWith('--'));
const files = testFiles(
  ['packages', 'services', 'test'],
  (file) =>
    file.endsWith(suffix) && (only.length === 0 || only.some((part) => file.includes(part))),
);
if (files.length === 0) {
  console.error(`no test file ends with ${suffix} and contains ${only.join(' or ')}`);
  process.exit(2);
}
const testArguments = ['--test', '--test-concurrency=1'];
const dir = mkdtempSync(join(tmpdir(), 'waybill-test-'));
const stack = await startStack({ dir, log: (line) => console.error(line) });
const tests = spawn(process.execPath, [...testArguments, ...files], {
  stdio: 'inherit',
  env: {
    ...process.env,
    TEST_KAFKA_BROKERS: stack.kafka.brokers.join(','),
    TEST_REGISTRY_URL: stack.registry.url,
    TEST_POSTGRES_ADMIN_URL: stack.postgres.adminUrl,
  },
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => tests.kill(signal));
process.exitCode = await new Promise<number>((resolve) => {
  tests.once('exit', (code) => resolve(code ?? 1));
});
await stack.stop();
rmSync(dir, { recursive: true, force: true });
