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
const HELD = 3;
/** Starting a process takes seconds; a busy machine takes its time. */
const PATIENT = { deadlineMs: 300_000, everyMs: 100 };

/** What is fed in one round; where a batch ends within it decides nothing but which versions pass by. */
interface Round {
  readonly positions: readonly PositionRecorded[];
  /** T at its end, s. */
  readonly progressS: number | undefined;
}

/**
 * Rounds in order of time, each followed by one with what was held back of it (three fixes of every other
 * unit, the newest first) and repeats: wherever batches end in them, the same ids must come out.
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
        const isHeld = unit % 2 === round % 2 && (i + round * 7 + unit) % REPORTS_PER_ROUND < HELD;
        (isHeld ? held : ordinary).push(report);
      }
    }
    const now = FLEET_START_S + (round + 1) * REPORTS_PER_ROUND * FLEET.everyS;
    rounds.push({ positions: ordinary, progressS: now - 1800 });
    const late = held.map((each) => ({ ...each, provider_time: (now - 30) * 1000 }));
    rounds.push({
      positions: [...late.toReversed(), ...ordinary.slice(0, 5)],
      progressS: undefined,
    });
  }
  return rounds.slice(0, count);
}

const OUTPUTS = [
  ...[topics.trip, topics.siteVisit, topics.geofence, topics.idle, topics.fuelLevel],
  ...[topics.odometer, topics.workOrder, topics.task, topics.detectorDeadLetter],
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

/** When in its round a process is killed, and whether its snapshots go with it. */
interface Kill {
  readonly afterShare: number;
  readonly isCold: boolean;
}

/** One namespace of the broker with a detector that is killed as told, once in every round. */
async function play(
  stack: TestStack,
  rounds: readonly Round[],
  kill: (() => Kill) | undefined,
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
    for (const { positions, progressS } of rounds) {
      const before = await system.published();
      await system.publish(positions);
      if (progressS !== undefined) await system.progress(TENANT, progressS);
      if (kill === undefined) {
        // What is final depends on how far T was when it was published.
        await caughtUp(system, detector);
        continue;
      }
      const { afterShare, isCold } = kill();
      const at = before + Math.floor(((await system.published()) - before) * afterShare);
      await until('it is ready', () => detector.isReady(), PATIENT);
      await until('a part is handled', async () => (await detector.handled()) >= at, PATIENT);
      await detector.end('SIGKILL');
      if (isCold) await rm(stateDir, { recursive: true, force: true });
      detector = system.start();
    }
    await caughtUp(system, detector);
    return standing(await system.outputs(OUTPUTS));
  } finally {
    await detector.end('SIGKILL');
    await system.close();
    await rm(stateDir, { recursive: true, force: true });
  }
}

/**
 * Plays so many rounds in each of so many namespaces at once, and kills the detector in every one, now and
 * then with its snapshots: what stands in the end is what it is without.
 */
export async function checkKills(
  stack: TestStack,
  size: { readonly lanes: number; readonly rounds: number },
  seed: number,
): Promise<void> {
  const played = roundsOf(size.rounds);
  const lanes = Array.from({ length: size.lanes }, async (_, lane) => {
    const random = seededRandom(seed + lane);
    return play(stack, played, () => ({
      afterShare: random() < 0.5 ? 0 : random(),
      isCold: random() < 0.3,
    }));
  });
  const [expected, ...found] = await Promise.all([play(stack, played, undefined), ...lanes]);
  assert.ok(expected.length > size.rounds, `${expected.length} events`);
  for (const [lane, lines] of found.entries()) {
    const at = lines.findIndex((line, i) => line !== expected[i]);
    const about = `lane ${lane} of seed ${seed}`;
    assert.equal(lines[at], expected[at], about);
    assert.equal(lines.length, expected.length, about);
  }
}
