/** Runners that are stopped at any moment of their start leave no connection behind. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Streams } from './port.ts';
import { noOpenSockets, openTestCluster, topics, type TestCluster } from './testing/cluster.ts';

const STEP_MS = 50;
const STEPS = 8;

const starts: Readonly<Record<string, (streams: Streams) => Promise<unknown>>> = {
  transact: (streams) =>
    streams.transact({
      service: 'starter',
      inputs: [topics.input],
      outputs: [topics.output],
      deadLetter: topics.deadLetter,
      createTask: () => ({ handle: () => undefined }),
    }),
  extract: (streams) =>
    streams.extract({
      service: 'puller',
      cursors: topics.cursor,
      outputs: [topics.output],
      own: async ({ revoked }) => {
        await new Promise((resolve) => revoked.addEventListener('abort', resolve, { once: true }));
      },
    }),
  follow: (streams) => streams.follow([topics.table]),
  publisher: (streams) => streams.publisher([topics.output]),
};

let cluster: TestCluster;
before(async () => {
  cluster = await openTestCluster();
});
after(() => cluster.stop());

for (const [name, start] of Object.entries(starts)) {
  test(`${name} closed at any moment of its start leaves no connection`, async () => {
    const system = await cluster.system();
    await Promise.all(
      Array.from({ length: STEPS }, async (_, step) => {
        const streams = await system.connect();
        const starting = start(streams).catch(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, step * STEP_MS));
        await streams.close();
        await starting;
        await streams.close();
      }),
    );
    await system.close();
    await noOpenSockets();
    assert.deepEqual(
      system.logger.lines.filter(({ level }) => level === 'error'),
      [],
    );
  });
}
