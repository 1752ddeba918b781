import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { topics, type Message, type PositionRecorded } from '@waybill/contracts';
import { seededRandom, testNamespace, until, type TestStack } from '@waybill/testkit';
import { openSystem, type DetectorProcess, type DetectorSystem } from './detector-system.ts';
import { fleetRounds, fleetZones, FLEET_START_S } from './fleet.ts';
import { greedyTenant } from './plain-detector.ts';

const TENANT = 'bay-cabs';
const FLEET = {
  ...{ tenantId: TENANT, units: 24, everyS: 60, moving: 0.3, late: 0, latestS: 0 },
  hasSignals: true,
};
const ZONES = 400;
const REPORTS_PER_ROUND = 20;
/** Starting a process takes seconds; a busy machine takes its time. */
const PATIENT = { deadlineMs: 120_000, everyMs: 100 };

/** What is fed in one round; where a batch ends within it decides nothing but which versions pass by. */
interface Round {
  readonly positions: readonly PositionRecorded[];
  /** T at its end, s. */
  readonly progressS: number | undefined;
}

/**
 * Rounds in order of time, each but the first followed by one with what was held back of the round before
 * (one fix of every third unit) and repeats: of one unit at most one late fix in a round, so that the
 * order of the versions, and with it every id, follows from the input alone.
 */
function roundsOf(count: number): Round[] {
  const source = fleetRounds(FLEET);
  const rounds: Round[] = [];
  for (let round = 0; rounds.length < count; round += 1) {
    const held: PositionRecorded[] = [];
    const ordinary: PositionRecorded[] = [];
    for (let i = 0; i < REPORTS_PER_ROUND; i += 1) {
      const reports = source.next().value as readonly PositionRecorded[];
      for (const [unit, report] of reports.entries()) {
        const isHeld = unit % 3 === round % 3 && i === (round * 7 + unit) % REPORTS_PER_ROUND;
        (isHeld ? held : ordinary).push(report);
      }
    }
    const now = FLEET_START_S + (round + 1) * REPORTS_PER_ROUND * FLEET.everyS;
    rounds.push({ positions: ordinary, progressS: now - 1800 });
    const late = held.map((each) => ({ ...each, provider_time: (now - 30) * 1000 }));
    rounds.push({ positions: [...late, ...ordinary.slice(0, 5)], progressS: undefined });
  }
  return rounds.slice(0, count);
}

const OUTPUTS = [
  ...[topics.trip, topics.siteVisit, topics.geofence, topics.idle, topics.fuelLevel],
  ...[topics.task, topics.detectorDeadLetter],
];

/** What stands in the end, ids included; without what the order of batches decides. */
function standing(messages: readonly Message[]): readonly string[] {
  const newest = new Map<string, { readonly revision: number }>();
  for (const { value } of messages) {
    const event = value as { readonly event_id: string; readonly revision: number };
    const known = newest.get(event.event_id);
    assert.ok(known === undefined || event.revision > known.revision, 'revisions rise');
    newest.set(event.event_id, event);
  }
  return [...newest.values()]
    .map((event) => {
      const {
        revision: _revision,
        cause,
        trace,
        provider_time,
        received_time,
        ...rest
      } = event as Record<string, unknown>;
      void [cause, trace, provider_time, received_time];
      return JSON.stringify({ ...rest, late_by_s: 0 });
    })
    .toSorted();
}

async function caughtUp(system: DetectorSystem, detector: DetectorProcess): Promise<void> {
  const end = await system.published();
  await until('all positions are handled', async () => (await detector.handled()) >= end, PATIENT);
}

async function play(
  stack: TestStack,
  rounds: readonly Round[],
  kill: ((round: number) => { readonly afterShare: number; readonly isCold: boolean }) | undefined,
): Promise<readonly string[]> {
  const stateDir = await mkdtemp(join(tmpdir(), 'waybill-detector-'));
  const system = await openSystem(
    {
      brokers: stack.kafka.brokers,
      registryUrl: stack.registry.url,
      namespace: testNamespace(),
      partitions: 2,
      stateDir,
    },
    greedyTenant(TENANT),
    fleetZones(ZONES, TENANT),
  );
  let detector = system.start();
  try {
    for (const [number, { positions, progressS }] of rounds.entries()) {
      const before = await system.published();
      await until('it is ready', () => detector.isReady(), PATIENT);
      await system.publish(positions);
      if (progressS !== undefined) await system.progress(TENANT, progressS);
      if (kill !== undefined) {
        const { afterShare, isCold } = kill(number);
        const end = await system.published();
        const at = before + Math.floor((end - before) * afterShare);
        await until('a part is handled', async () => (await detector.handled()) >= at, PATIENT);
        await detector.end('SIGKILL');
        if (isCold) await rm(stateDir, { recursive: true, force: true });
        detector = system.start();
      }
      await caughtUp(system, detector);
    }
    const messages = await system.outputs(OUTPUTS);
    return standing(messages);
  } finally {
    await detector.end('SIGKILL');
    await system.close();
    await rm(stateDir, { recursive: true, force: true });
  }
}

/** Kills the detector in every round, now and then with its snapshots; nothing may come out otherwise. */
export async function checkKills(stack: TestStack, rounds: number, seed: number): Promise<void> {
  const played = roundsOf(rounds);
  const random = seededRandom(seed);
  const [expected, found] = await Promise.all([
    play(stack, played, undefined),
    play(stack, played, () => ({
      afterShare: random() < 0.5 ? 0 : random(),
      isCold: random() < 0.3,
    })),
  ]);
  assert.ok(expected.length > rounds, `${expected.length} events`);
  const at = found.findIndex((line, i) => line !== expected[i]);
  assert.equal(found[at], expected[at], `seed ${seed}`);
  assert.equal(found.length, expected.length, `seed ${seed}`);
}
