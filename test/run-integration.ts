/**
 * `npm run test:integration` (and `npm run test:faults` with --faults): starts the local stack once and
 * runs the tests that need it; words choose files. KAFKA_BROKERS and friends point them at another stack.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStack } from '@waybill/stack';
import { runFiles, testFiles } from './files.ts';

/**
 * Files that run at once. Most of a file's time is waiting (for sessions to run out, groups to form, services
 * to start), so two share two cores well. The long forms measure patience under faults: one at a time.
 */
const TOGETHER = 2;
/** Minutes each: they begin first, so that none of them runs alone at the end. */
const LONGEST = ['demo-path', 'stream/src/contract', 'interrupt', 'ownership'];

const args = process.argv.slice(2);
const isLong = args.includes('--faults');
const suffix = isLong ? '.faults.test.ts' : '.integration.test.ts';
const only = args.filter((arg) => !arg.startsWith('--'));
const found = testFiles(
  ['packages', 'services', 'test'],
  (file) =>
    file.endsWith(suffix) && (only.length === 0 || only.some((part) => file.includes(part))),
);
if (found.length === 0) {
  console.error(`no test file ends with ${suffix} and contains ${only.join(' or ')}`);
  process.exit(2);
}
const first = LONGEST.flatMap((part) => found.filter((file) => file.includes(part)));
const files = [...new Set([...first, ...found])];
const dir = mkdtempSync(join(tmpdir(), 'waybill-test-'));
const stack = await startStack({ dir, fast: true, log: (line) => console.error(line) });
process.env['TEST_KAFKA_BROKERS'] = stack.kafka.brokers.join(',');
process.env['TEST_REGISTRY_URL'] = stack.registry.url;
process.env['TEST_POSTGRES_ADMIN_URL'] = stack.postgres.adminUrl;
process.exitCode = await runFiles(files, isLong ? 1 : TOGETHER);
await stack.stop();
rmSync(dir, { recursive: true, force: true });
