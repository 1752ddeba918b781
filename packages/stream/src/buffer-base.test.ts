import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { until } from '@waybill/testkit';
import { createSnapshotKeeper, type BufferBase } from './buffer-base.ts';
import { createBuffers } from './buffers.ts';
import { silent } from './environment.ts';
import { createStateLedger } from './state-ledger.ts';
import { memoryLogger } from './testing/cluster.ts';

const directory = mkdtempSync(join(tmpdir(), 'waybill-buffers-'));

function baseOf(): BufferBase {
  const buffers = createBuffers();
  buffers.restore('a', Buffer.from('kept'));
  return { buffers, positions: new Map([['positions', 1n]]), source: 'input', epoch: 0 };
}

describe('snapshots of the tasks of one process', () => {
  after(() => rmSync(directory, { recursive: true }));

  it('are written one after another while the tasks go on', async () => {
    const ledger = createStateLedger({ directory, snapshotIntervalMs: 0 }, silent.metrics);
    const declared = { buffers: { layout: 1, retentionMs: 1 } };
    const keeperOf = (partition: number): ReturnType<typeof createSnapshotKeeper> =>
      createSnapshotKeeper({ ledger, logger: memoryLogger() }, declared, {
        group: 'detector',
        partition,
      });
    const [first, second] = [keeperOf(0), keeperOf(1)];
    const [one, other] = [baseOf(), baseOf()];
    const written = (): readonly string[] =>
      readdirSync(directory).filter((name) => name.endsWith('.buffers'));

    first.maybe(one);
    second.maybe(other);
    await until('the snapshot is written', () => !ledger.snapshotTurn.taken);
    assert.deepEqual(written(), ['detector-0.buffers'], 'it was not the turn of the second');

    second.maybe(other);
    await until('the snapshot is written', () => !ledger.snapshotTurn.taken);
    assert.deepEqual(written(), ['detector-0.buffers', 'detector-1.buffers']);
  });
});
