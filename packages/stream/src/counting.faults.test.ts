/**
 * The long form, on one broker: kills, storms, freezes, clocks and poison. `npm run test:faults` prints
 * the seed; FAULTS_SEED repeats it. FAULTS_ROUNDS is the number of kills (default 100).
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as rest } from 'node:timers/promises';
import type { Topic } from '@waybill/contracts';
import { isFault } from '@waybill/fault';
import { seededRandom, until } from '@waybill/testkit';
import { openAdmin, openKafka } from './client.ts';
import type { TransactOptions } from './port.ts';
import {
  openTestCluster,
  PARTITIONS,
  text,
  textOf,
  topics,
  type TestCluster,
  type TestSystem,
} from './testing/cluster.ts';
import { startFleet } from './testing/fleet.ts';
import { assertCounted, untilCounted } from './testing/load.ts';
import {
  assertNoCrash,
  faultsSeed,
  killRounds,
  pick,
  untilWorking,
  whileCounting,
  whileProjecting,
} from './testing/scenarios.ts';

const seed = faultsSeed();
const rounds = Number(process.env['FAULTS_ROUNDS'] ?? 100);
/** Kill rounds mostly wait for sessions to expire: several services are killed at the same time. */
const SERVICES = 4;

describe('counting', { timeout: 3_600_000 }, () => {
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

  it(`survives ${rounds} rounds of SIGKILL at random moments`, async () => {
    const each = Math.ceil(rounds / SERVICES);
    const services = Array.from({ length: SERVICES }, (_, index) =>
      withSystem((system) =>
        whileCounting(system, { size: 1 + (index % 2) }, (fleet) =>
          killRounds(fleet, seededRandom(seed + index), each),
        ),
      ),
    );
    await Promise.all(services);
  });

  it('projects every record once through 20 rounds of SIGKILL', () =>
    withSystem(async (system) => {
      const url = await cluster.stack.createDatabase(`${system.options.namespace}seen`);
      await whileProjecting(system, url, (fleet) => killRounds(fleet, seededRandom(seed), 20));
    }));

  it('survives rolling restarts and rebalance storms of four instances', () =>
    withSystem((system) =>
      whileCounting(system, { size: 4 }, async (fleet) => {
        const random = seededRandom(seed);
        for (const member of fleet.members()) {
          await member.end('SIGTERM');
          await fleet.untilReady();
        }
        for (let storm = 0; storm < 5; storm += 1) {
          const hit = fleet.members().filter(() => random() < 0.7);
          await Promise.all(
            hit.map(async (member) => {
              await rest(random() * 1_000);
              await member.end(random() < 0.5 ? 'SIGKILL' : 'SIGTERM');
            }),
          );
          await rest(random() * 3_000);
        }
        await fleet.untilReady();
        assertNoCrash(fleet);
      }),
    ));

  it('fences and rebuilds an instance that was frozen longer than its transaction lives', () =>
    withSystem((system) =>
      whileCounting(system, {}, async (fleet) => {
        const random = seededRandom(seed);
        for (let freeze = 0; freeze < 3; freeze += 1) {
          const member = pick(random, fleet.members());
          await rest(random() * 1_000);
          member?.child.kill('SIGSTOP');
          await rest(15_000);
          member?.child.kill('SIGCONT');
          await untilWorking(fleet);
        }
        assertNoCrash(fleet);
      }),
    ));

  it('survives a clock that is set ten minutes ahead and back', () =>
    withSystem((system) =>
      whileCounting(system, { size: 2 }, async (fleet) => {
        for (let jump = 0; jump < 3; jump += 1) {
          const [first] = fleet.members();
          first?.child.kill('SIGUSR2');
          // Longer than the session: a member that sent no heartbeats would be evicted.
          await rest(12_000);
          await untilWorking(fleet);
        }
        assertNoCrash(fleet);
        const unrest = fleet.lines().filter((line) => line.startsWith('warn'));
        assert.deepEqual(unrest, []);
      }),
    ));

  it('crashes with one clear line on a record that throws a TypeError, until it is repaired', () =>
    withSystem(async (system) => {
      const streams = await system.connect();
      const publisher = await streams.publisher([topics.input]);
      const send = (keys: readonly string[]): Promise<void> =>
        publisher.send(
          keys.map((key, i) => ({ topic: topics.input, key, message: text(String(i)) })),
        );
      await send(['a', 'b', 'c', 'bad', 'a', 'b', 'c']);
      let poison = 'bad';
      const fleet = startFleet(system, {
        program: 'counter',
        size: 1,
        env: () => ({ POISON: poison }),
      });
      try {
        await until('it crashed three times', () => fleet.crashes() >= 3);
        const failures = fleet.lines().filter((line) => line.startsWith('failed'));
        assert.match(failures[0] ?? '', /^failed .*Cannot read properties of undefined/);
        poison = '';
        await untilCounted(system);
      } finally {
        await fleet.stop();
      }
      assert.equal(await assertCounted(system), 7);
      await publisher.close();
    }));

  it('stops while the dead-letter topic is away, skips nothing, and goes on when it is back', () =>
    withSystem(async (system) => {
      const streams = await system.connect();
      const publisher = await streams.publisher([topics.input]);
      const send = (): Promise<void> =>
        publisher.send([{ topic: topics.input, key: 'a', message: text('x') }]);
      await send();
      const runner = await streams.transact(echo);
      await until('the first is out', async () => (await system.read(topics.output)).length === 1);
      await deleteTopics(system, [topics.deadLetter]);
      await system.poison('a');
      await send();
      const stopped = (): boolean =>
        system.logger.lines.some(
          ({ message, fields }) => message === 'task.stopped' && fields['code'] === 'TOPIC_MISSING',
        );
      await until('the task stopped', stopped, { deadlineMs: 120_000 });
      assert.deepEqual(await system.read(topics.output), ['a=x']);
      await system.admin.provision(Object.values(topics), PARTITIONS);
      await until(
        'the second is out',
        async () => (await system.read(topics.output)).length === 2,
        {
          deadlineMs: 120_000,
        },
      );
      await runner.stop();
      assert.equal((await system.deadLetters()).length, 1);
      await publisher.close();
    }));

  it('refuses to start without its changelog or with an empty one, and counts all again after a reset', () =>
    withSystem(async (system) => {
      await whileCounting(system, {}, untilWorking);
      await deleteTopics(system, [topics.state]);
      const streams = await system.connect();
      const stateful = {
        ...echo,
        service: 'counter',
        store: { changelog: topics.state, toMessage: text, fromMessage: textOf },
      };
      await assert.rejects(
        streams.transact(stateful),
        (error) => isFault(error) && error.code === 'TOPIC_MISSING',
      );
      // Provisioned again without the reset: the offsets know how far it reached.
      await system.admin.provision([topics.state], PARTITIONS);
      const again = await streams.transact(stateful);
      await until('the tasks are refused', () =>
        system.logger.lines.some(
          ({ message, fields }) => message === 'task.stopped' && fields['code'] === 'STATE_LOST',
        ),
      );
      await again.stop();
      // The reset of FAULTS.md: offsets, state and results go together, or not at all.
      await deleteTopics(system, [topics.output]);
      await deleteGroup(system, 'counter');
      await system.admin.provision(Object.values(topics), PARTITIONS);
      await whileCounting(system, {}, untilWorking);
    }));
});

/** Emits what it reads. */
const echo: TransactOptions<string> = {
  service: 'echo',
  inputs: [topics.input],
  outputs: [topics.output],
  deadLetter: topics.deadLetter,
  createTask: () => ({
    handle: (records, out) => {
      for (const { key, message } of records) {
        out.emit({ topic: topics.output, key, message: text(textOf(message)) });
      }
    },
  }),
};

async function administer(
  system: TestSystem,
  work: (admin: ReturnType<typeof openAdmin>, namespace: string) => Promise<unknown>,
): Promise<void> {
  const admin = openAdmin(openKafka(system.options));
  await admin.connect();
  await work(admin, system.options.namespace ?? '');
  await admin.disconnect();
}

/** Deletes topics and waits until the cluster has forgotten them. */
async function deleteTopics(system: TestSystem, list: readonly Topic[]): Promise<void> {
  await administer(system, async (admin, namespace) => {
    const names = list.map(({ name }) => `${namespace}${name}`);
    await admin.deleteTopics({ topics: names });
    await until('the topics are gone', async () => {
      const present = await admin.listTopics();
      return !names.some((name) => present.includes(name));
    });
  });
}

/** Deletes the committed offsets of a group whose members are gone. */
async function deleteGroup(system: TestSystem, service: string): Promise<void> {
  await administer(system, (admin, namespace) =>
    until('the group is gone', () =>
      admin.deleteGroups([`${namespace}${service}`]).then(() => true),
    ),
  );
}
