import assert from 'node:assert/strict';
import { setTimeout as rest } from 'node:timers/promises';
import { until, type Random } from '@waybill/testkit';
import { Client } from 'pg';
import { openFaultProxy, type FaultProxy } from './fault-proxy.ts';
import { SLOW_MS, startFleet, type Fleet, type FleetOptions, type Member } from './fleet.ts';
import { assertCounted, assertProjected, inputOf, startLoad, untilCounted } from './load.ts';
import type { TestSystem } from './cluster.ts';
import type { Route } from '../sockets.ts';

/** The seed of this run, printed so that it can be repeated. */
export function faultsSeed(): number {
  const seed = Number(process.env['FAULTS_SEED'] ?? 11);
  process.stdout.write(`FAULTS_SEED=${seed}\n`);
  return seed;
}

export function pick<T>(random: Random, list: readonly T[]): T | undefined {
  return list[Math.floor(random() * list.length)];
}

/** Runs `disturb` while a fleet of counters works under load, then checks every result. */
export async function whileCounting(
  system: TestSystem,
  fleetOptions: Partial<FleetOptions>,
  disturb: (fleet: Fleet) => Promise<void>,
): Promise<number> {
  const load = await startLoad(system);
  const fleet = startFleet(system, { program: 'counter', size: 1, ...fleetOptions });
  try {
    await fleet.untilReady();
    await disturb(fleet);
    await load.stop();
    await untilCounted(system);
  } finally {
    await load.stop();
    await fleet.stop();
  }
  return assertCounted(system);
}

/** The same for projectors into a table of PostgreSQL; `rows` reads what stands there. */
export async function whileProjecting(
  system: TestSystem,
  database: string,
  disturb: (fleet: Fleet) => Promise<void>,
): Promise<void> {
  const load = await startLoad(system);
  const env = (): Record<string, string> => ({ DATABASE_URL: database });
  const fleet = startFleet(system, { program: 'projector', size: 1, env });
  const client = new Client({ connectionString: database });
  await client.connect();
  const seen = async (): Promise<readonly { key: string; value: string }[]> =>
    (await client.query<{ key: string; value: string }>('select key, value from seen order by id'))
      .rows;
  try {
    await fleet.untilReady();
    await disturb(fleet);
    await load.stop();
    const wanted = [...(await inputOf(system)).values()].reduce(
      (sum, list) => sum + list.length,
      0,
    );
    await until('everything is projected', async () => (await seen()).length >= wanted);
    await fleet.stop();
    await assertProjected(system, await seen());
  } finally {
    await load.stop();
    await fleet.stop();
    await client.end();
  }
}

/** Waits until a member that was not there before is about to commit. */
async function untilHandling(fleet: Fleet, before: ReadonlySet<Member>): Promise<void> {
  await until(
    'a new member is about to commit',
    () => fleet.members().some((member) => !before.has(member) && member.handlings() > 0),
    { deadlineMs: SLOW_MS },
  );
}

/** SIGKILL at random moments: while joining, while restoring, before, in and after a transaction. */
export async function killRounds(fleet: Fleet, random: Random, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const before = new Set(fleet.members());
    // Half of the kills come soon, mostly into a start; the others wait for work.
    await rest(random() * 1_500);
    await pick(random, fleet.members())?.end('SIGKILL');
    if (random() < 0.5) await untilHandling(fleet, before);
  }
}

/** Ports of the brokers behind proxies, as the members are told. */
export interface Network {
  readonly proxies: readonly FaultProxy[];
  readonly env: () => Readonly<Record<string, string>>;
  /** The same for a connection in this process. */
  readonly route: Route;
  /** Stalls everything until `work` has ended. */
  readonly hold: <R>(work: Promise<R>) => Promise<R>;
  readonly close: () => Promise<void>;
}

export async function openNetwork(brokers: readonly string[]): Promise<Network> {
  const targets = brokers.map((address) => Number(address.split(':')[1]));
  const proxies = await Promise.all(targets.map(openFaultProxy));
  const routes = targets.map((target, index) => `${target}:${proxies[index]?.port}`).join();
  return {
    proxies,
    env: () => ({ ROUTES: routes }),
    route: (port) => proxies[targets.indexOf(port)]?.port ?? port,
    hold: (work) => {
      for (const proxy of proxies) proxy.stall();
      return work.finally(() => {
        for (const proxy of proxies) proxy.heal();
      });
    },
    close: async () => {
      await Promise.all(proxies.map((proxy) => proxy.close()));
    },
  };
}

/** How much all members have done by now. */
export function handlings(fleet: Fleet): number {
  return fleet.members().reduce((sum, member) => sum + member.handlings(), 0);
}

/** Waits until the fleet works again, judged by transactions that it begins from now on. */
export async function untilWorking(fleet: Fleet): Promise<void> {
  const before = handlings(fleet);
  await until('the fleet works again', () => handlings(fleet) > before + 2, {
    deadlineMs: SLOW_MS,
  });
}

/** Nothing but the weather ended a member. */
export function assertNoCrash(fleet: Fleet): void {
  assert.equal(fleet.crashes(), 0, fleet.lines().slice(-20).join('\n'));
}
