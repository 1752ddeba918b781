import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { until } from '@waybill/testkit';
import { startChild, type Child } from './testing/child.ts';
import {
  atEnd,
  openTestCluster,
  topics,
  type TestCluster,
  type TestSystem,
} from './testing/cluster.ts';
import { command, followReworks, publishTexts, send, worker } from './testing/reworks.ts';

const RECORDS = 240;
const KEYS = 16;
const KILLS = 2;

const PROGRAM = new URL('testing/rework-process.ts', import.meta.url);

describe('a rework that is killed', { timeout: 180_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await openTestCluster();
  });
  after(async () => {
    await cluster.stop();
  });

  async function outputs(system: TestSystem, version: string): Promise<readonly string[]> {
    return (await system.read(topics.output))
      .map((line) => line.slice(line.indexOf('=') + 1))
      .filter((value) => value.startsWith(version));
  }

  it('reworks every record exactly once, whenever it is killed', async () => {
    const system = await cluster.system();
    await publishTexts(system, RECORDS, KEYS);
    const streams = await system.connect();
    const first = await streams.transact(worker('v1'));
    await until('version 1 is through', () => atEnd(system, first));
    await first.stop();

    const reworks = await followReworks(streams, until);
    // About 6 transactions of 10 records per task: every kill meets some before, some after the commit.
    const wanted = command(1, { rate_records_per_s: 10 });
    await send(streams, wanted);
    const children: Child[] = [];
    try {
      for (let kills = 0; kills < KILLS; kills += 1) {
        const child = startChild(PROGRAM, system);
        children.push(child);
        const before = reworks.outcome(wanted.rework_id).done;
        await until(
          'the rework goes on',
          () =>
            (child.handlings() > kills && reworks.outcome(wanted.rework_id).done > before) ||
            child.child.exitCode !== null,
        );
        assert.equal(child.child.exitCode, null, child.lines.join('\n'));
        await child.end('SIGKILL');
      }
      const last = startChild(PROGRAM, system);
      children.push(last);
      const outcome = await reworks.ended(wanted.rework_id);
      assert.deepEqual([outcome.statuses, outcome.done], [['DONE'], RECORDS]);
    } finally {
      await Promise.all(children.map((child) => child.end('SIGKILL')));
    }
    const found = await outputs(system, 'v2');
    assert.equal(found.length, RECORDS);
    assert.equal(new Set(found).size, RECORDS);
    assert.equal((await outputs(system, 'v1')).length, RECORDS, 'nothing was handled anew');
  });
});
