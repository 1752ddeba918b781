import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { needSpace } from './data-dir.ts';

test('a disk with less than 256 MiB left is refused in one line, before a server starts', async () => {
  const disk = (mebibytes: number) => async () => ({ bavail: mebibytes * 256, bsize: 4096 });
  await assert.rejects(needSpace('/data', disk(84)), {
    kind: 'misconfigured',
    code: 'STACK_DISK_FULL',
    message:
      'the disk of /data has 84 MiB left, a stack needs 256: free some or choose another folder (temporary ones follow TMPDIR)',
  });
  await needSpace('/data', disk(256));
  await needSpace(tmpdir());
});
