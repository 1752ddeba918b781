/** `npm run test:unit`: everything that needs no broker. */
import { spawnSync } from 'node:child_process';
import { testFiles } from './files.ts';

const files = testFiles(
  ['packages', 'services', 'test'],
  (file) =>
    !/\.(?:integration|faults)\.test\.ts$/.test(file) && !file.startsWith('test/architecture'),
);
const { status } = spawnSync(process.execPath, ['--test', '--test-concurrency=2', ...files], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
