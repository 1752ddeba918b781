/** The short form of the fault suite; `*.faults.test.ts` is the long one. */
import { after, before, describe, it } from 'node:test';
import { setTimeout as rest } from 'node:timers/promises';
import { seededRandom } from '@waybill/testkit';
import { openTestCluster, type TestCluster, type TestSystem } from './testing/cluster.ts';
import {
  assertNoCrash,
  faultsSeed,
  killRounds,
  openNetwork,
  untilWorking,
  whileCounting,
  whileProjecting,
} from './testing/scenarios.ts';

const seed = faultsSeed();

describe('exactly once', { timeout: 300_000, concurrency: true }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await openTestCluster({});
  });
  after(() => cluster.stop());

  async function withSystem(work: (system: TestSystem) => Promise<unknown>): Promise<void> {
    const system = await cluster.system();
    try {
      await work(system);
    } finally {
      await system.close();
    }
  }

  it('survives SIGKILL at random moments', () =>
    withSystem((system) =>
      whileCounting(system, {}, (fleet) => killRounds(fleet, seededRandom(seed), 3)),
    ));

  it('projects every record once although its process is killed at random moments', () =>
    withSystem(async (system) => {
      const url = await cluster.stack.createDatabase(`${system.options.namespace}seen`);
      await whileProjecting(system, url, (fleet) => killRounds(fleet, seededRandom(seed), 2));
    }));

  it('survives a network that is cut and a clock that jumps', () =>
    withSystem(async (system) => {
      const network = await openNetwork(system.options.brokers);
      try {
        await whileCounting(system, { env: network.env }, async (fleet) => {
          for (const proxy of network.proxies) proxy.cut();
          await rest(1_000);
          for (const proxy of network.proxies) proxy.heal();
          await untilWorking(fleet);
          for (const member of fleet.members()) member.child.kill('SIGUSR2');
          await untilWorking(fleet);
          for (const member of fleet.members()) member.child.kill('SIGUSR2');
          await untilWorking(fleet);
          assertNoCrash(fleet);
        });
      } finally {
        await network.close();
      }
    }));

  it('fences an instance that was frozen while another took over', () =>
    withSystem((system) =>
      whileCounting(system, { size: 2 }, async (fleet) => {
        const [frozen] = fleet.members();
        frozen?.child.kill('SIGSTOP');
        // Longer than the session: its partitions go to the other one.
        await rest(10_000);
        await untilWorking(fleet);
        frozen?.child.kill('SIGCONT');
        await untilWorking(fleet);
        assertNoCrash(fleet);
      }),
    ));
});
