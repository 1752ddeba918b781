import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { topics, type Message, type PositionRecorded } from '@waybill/contracts';
import { seededRandom, testNamespace, until, type Random, type TestStack } from '@waybill/testkit';
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
/** Short, so that quarters are folded away on the way. */
const GRACE_H = 1;
/** Rounds that an older snapshot is behind at most: more than grace. */
const OLDEST = 12;
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

/** When in its round a process is killed, and what the next one finds. */
interface Kill {
  readonly afterShare: number;
  /** Snapshots of so many rounds before; undefined: none. */
  readonly roundsOld: number | undefined;
}

/** The folder of snapshots, with copies of what stood in it when a process was killed. */
interface Snapshots {
  readonly folder: string;
  readonly afterKill: (roundsOld: Kill['roundsOld']) => Promise<void>;
  readonly remove: () => Promise<void>;
}

async function keepSnapshots(): Promise<Snapshots> {
  const all = await mkdtemp(join(tmpdir(), 'waybill-detector-'));
  const folder = join(all, 'now');
  const copies: string[] = [];
  await mkdir(folder);
  return {
    folder,
    afterKill: async (roundsOld) => {
      const copy = join(all, String(copies.length));
      await cp(folder, copy, { recursive: true });
      copies.push(copy);
      if (roundsOld === 0) return;
      await rm(folder, { recursive: true });
      const older = roundsOld === undefined ? undefined : copies.at(-1 - roundsOld);
      if (older === undefined) await mkdir(folder);
      else await cp(older, folder, { recursive: true });
    },
    remove: () => rm(all, { recursive: true, force: true }),
  };
}

/** One namespace of the broker with a detector that is killed as told, once in every round. */
async function play(
  stack: TestStack,
  rounds: readonly Round[],
  kill: (() => Kill) | undefined,
): Promise<readonly string[]> {
  const snapshots = await keepSnapshots();
  const system = await openSystem(
    {
      brokers: stack.kafka.brokers,
      registryUrl: stack.registry.url,
      namespace: testNamespace(),
      partitions: 2,
      stateDir: snapshots.folder,
      env: { STATE_SNAPSHOT_INTERVAL_MS: '100' },
    },
    greedyTenant(TENANT, GRACE_H),
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
      const { afterShare, roundsOld } = kill();
      const at = before + Math.floor(((await system.published()) - before) * afterShare);
      await until('it is ready', () => detector.isReady(), PATIENT);
      await until('a part is handled', async () => (await detector.handled()) >= at, PATIENT);
      await detector.end('SIGKILL');
      await snapshots.afterKill(roundsOld);
      detector = system.start();
    }
    await caughtUp(system, detector);
    return standing(await system.outputs(OUTPUTS));
  } finally {
    await detector.end('SIGKILL');
    await system.close();
    await snapshots.remove();
  }
}

function killOf(random: Random): Kill {
  const afterShare = random() < 0.5 ? 0 : random();
  const chance = random();
  if (chance < 0.2) return { afterShare, roundsOld: undefined };
  return { afterShare, roundsOld: chance < 0.6 ? 0 : Math.ceil(random() * OLDEST) };
}

/**
 * Plays so many rounds in each of so many namespaces at once, and kills the detector in every one, now and
 * then with its snapshots, or older ones in their place: what stands in the end is what it is without.
 */
export async function checkKills(
  stack: TestStack,
  size: { readonly lanes: number; readonly rounds: number },
  seed: number,
): Promise<void> {
  const played = roundsOf(size.rounds);
  const lanes = Array.from({ length: size.lanes }, async (_, lane) => {
    const random = seededRandom(seed + lane);
    return play(stack, played, () => killOf(random));
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
