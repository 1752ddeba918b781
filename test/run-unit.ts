/** `npm run test:unit`: everything that needs no broker. */
import { runFiles, testFiles } from './files.ts';

const files = testFiles(
  ['packages', 'services', 'test'],
  (file) =>
    !/\.(?:integration|faults)\.test\.ts$/.test(file) && !file.startsWith('test/architecture'),
);
process.exitCode = await runFiles(files, 2);
