/**
 * The long form, on three brokers: stopped, killed and restarted brokers, and the network between them and
 * the members. The first broker is the only controller: it is stopped, but not killed for good.
 */
import { after, before, describe, it } from 'node:test';
import { setTimeout as rest } from 'node:timers/promises';
import { seededRandom } from '@waybill/testkit';
import { openTestCluster, type TestCluster, type TestSystem } from './testing/cluster.ts';
import {
  assertNoCrash,
  faultsSeed,
  openNetwork,
  pick,
  untilWorking,
  whileCounting,
  whileProjecting,
} from './testing/scenarios.ts';

const random = seededRandom(faultsSeed());
const OUTAGE_MS = 30_000;

describe('brokers and the network', { timeout: 1_800_000 }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await openTestCluster({ brokers: 3 });
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

  for (const [index, name] of ['the controller', 'a broker', 'another broker'].entries()) {
    it(`survives ${name} stopped for 30 s`, () =>
      withSystem((system) =>
        whileCounting(system, { size: 2 }, async (fleet) => {
          const broker = cluster.stack.kafka.nodes[index];
          broker?.signal('SIGSTOP');
          await rest(OUTAGE_MS);
          broker?.signal('SIGCONT');
          await untilWorking(fleet);
          assertNoCrash(fleet);
        }),
      ));
  }

  it('survives all brokers stopped for 30 s', () =>
    withSystem((system) =>
      whileCounting(system, { size: 2 }, async (fleet) => {
        for (const broker of cluster.stack.kafka.nodes) broker.signal('SIGSTOP');
        await rest(OUTAGE_MS);
        for (const broker of cluster.stack.kafka.nodes) broker.signal('SIGCONT');
        await untilWorking(fleet);
        assertNoCrash(fleet);
      }),
    ));

  it('survives brokers that are killed and started again, in turn', () =>
    withSystem((system) =>
      whileCounting(system, { size: 2 }, async (fleet) => {
        for (const broker of cluster.stack.kafka.nodes) {
          await broker.end('SIGKILL');
          await rest(random() * 10_000);
          await broker.start();
          await untilWorking(fleet);
        }
        assertNoCrash(fleet);
      }),
    ));

  it('projects every record once while brokers are restarted in order', () =>
    withSystem(async (system) => {
      const url = await cluster.stack.createDatabase(`${system.options.namespace}seen`);
      await whileProjecting(system, url, async (fleet) => {
        for (const broker of cluster.stack.kafka.nodes) {
          await broker.end('SIGTERM');
          await broker.start();
          await untilWorking(fleet);
        }
        assertNoCrash(fleet);
      });
    }));

  it('survives a network that is slow, cut and silent, to one broker and to all', () =>
    withSystem(async (system) => {
      const network = await openNetwork(system.options.brokers);
      try {
        await whileCounting(system, { size: 2, env: network.env }, async (fleet) => {
          for (const kind of ['delay', 'cut', 'stall', 'cut', 'stall'] as const) {
            const hit = random() < 0.5 ? network.proxies : [pick(random, network.proxies)];
            for (const proxy of hit) {
              if (kind === 'delay') proxy?.delay(200);
              else if (kind === 'cut') proxy?.cut();
              else proxy?.stall();
            }
            await rest(5_000 + random() * 15_000);
            for (const proxy of network.proxies) proxy.heal();
            await untilWorking(fleet);
          }
          assertNoCrash(fleet);
        });
      } finally {
        await network.close();
      }
    }));
});
