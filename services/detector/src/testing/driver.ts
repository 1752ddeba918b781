import assert from 'node:assert/strict';
import {
  type AssignmentPlanned,
  type SignalRecorded,
  type DriverBound,
  topics,
  type AssetDescribed,
  type ElementRejected,
  type GeofenceCrossed,
  type Message,
  type PositionRecorded,
  type ProgressReached,
  type ProposalChanged,
  type ProposalJudged,
  type HourCounted,
  type MinuteSampled,
  type RangeReread,
  type SiteVisited,
  type TaskRaised,
  type TenantConfigured,
  type Topic,
  type TripCompleted,
  type ZoneDescribed,
} from '@waybill/contracts';
import { taskKey } from '@waybill/domain';
import { createStreamDriver, type Read } from '@waybill/testkit';
import { cellOf } from '../adapters/h3-cell.ts';
import type { HeldCounts } from '../metrics.ts';
import { createService, SERVICE } from '../service.ts';

/** Events beside trips, visits and tasks. */
const furtherTopics: readonly Topic[] = [
  topics.idle,
  topics.fuelLevel,
  topics.odometer,
  topics.workOrder,
  topics.driverActivity,
  topics.shift,
];

/** What every versioned event has. */
export interface Entity {
  readonly event_id: string;
  readonly revision: number;
  readonly retracted: boolean;
}

/** What a turn produced. */
export interface Produced {
  readonly trips: readonly TripCompleted[];
  readonly visits: readonly SiteVisited[];
  readonly tasks: readonly TaskRaised[];
  readonly proposals: readonly ProposalChanged[];
  readonly newest: readonly PositionRecorded[];
  readonly minutes: readonly MinuteSampled[];
  readonly hours: readonly HourCounted[];
  /** Keys of hours and of proposals that left their topic. */
  readonly hoursGone: readonly string[];
  readonly proposalsGone: readonly string[];
  readonly rejections: readonly ElementRejected[];
  readonly skipped: ReadonlyMap<string, number>;
  /** Key and message of all events. */
  readonly records: readonly { readonly key: string; readonly message: Message }[];
}

export type Input = PositionRecorded | SignalRecorded | ProgressReached;

/** What happens to the first commit of a turn; the stream does the work again. */
export interface Trouble {
  readonly abort?: boolean;
}

/** The detector on an in-memory log of one partition. */
export interface Driver {
  /** Positions and progress in one chunk. */
  readonly process: (inputs: readonly Input[], trouble?: Trouble) => Promise<Produced>;
  /** Re-read positions and, behind them, end markers. */
  readonly reread: (
    records: readonly (PositionRecorded | RangeReread)[],
    trouble?: Trouble,
  ) => Promise<Produced>;
  readonly judge: (judged: ProposalJudged) => Promise<Produced>;
  readonly setTenant: (config: TenantConfigured) => Promise<Produced>;
  readonly setZone: (zone: ZoneDescribed, trouble?: Trouble) => Promise<Produced>;
  readonly removeZone: (tenantId: string, geofenceId: string) => Promise<Produced>;
  readonly setBinding: (value: DriverBound) => Promise<Produced>;
  readonly setPlan: (value: AssignmentPlanned) => Promise<Produced>;
  /** The process dies; its successor has the changelog. */
  readonly restart: () => Promise<void>;
  /** Puts the buffers aside; a later start reads on from there. */
  readonly snapshot: () => void;
  /** Newest version of each trip that is not retracted. */
  readonly standingTrips: () => readonly TripCompleted[];
  readonly standingVisits: () => readonly SiteVisited[];
  /** Every version of an event of `furtherTopics`, in order. */
  readonly versions: <T>(topic: Topic<Message<string, T>>) => readonly T[];
  /** The newest one of each that is not retracted. */
  readonly standing: <T extends Entity>(topic: Topic<Message<string, T>>) => readonly T[];
  readonly openTasks: () => readonly TaskRaised[];
  /** Deletes saved parts whose key holds `text`, as no transaction of ours would. */
  readonly lose: (text: string) => Promise<void>;
  /** Records that were ever written to the changelog. */
  readonly written: () => Promise<number>;
  /** Keys and sizes of the saved parts. */
  readonly saved: () => Promise<ReadonlyMap<string, number>>;
  /** Crossings of geofences in the order of their publication. */
  readonly crossings: readonly GeofenceCrossed[];
  /** Describes a unit as the provider does. */
  readonly setAsset: (asset: AssetDescribed) => Promise<Produced>;
  /** What became of positions, as it was counted. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** Facts by rule and proposals by status, in the order in which they were made. */
  readonly made: readonly string[];
  /** Mistakes in zones, settings and readings, as they were counted. */
  readonly flaws: readonly string[];
  /** What the task held at the end of the newest call. */
  readonly held: () => HeldCounts | undefined;
  /** Lines of the detector, and errors of the stream. */
  readonly logged: readonly { readonly message: string; readonly fields: object }[];
}

function newest<T extends { readonly revision: number; readonly event_id: string }>(
  events: readonly T[],
): readonly T[] {
  const byId = new Map<string, T>();
  for (const event of events) {
    const known = byId.get(event.event_id);
    assert.ok(known === undefined || event.revision > known.revision, 'revisions rise');
    byId.set(event.event_id, event);
  }
  return [...byId.values()];
}

/** Keys of records that left a topic. */
function goneOf(records: readonly Read[]): readonly string[] {
  return records.flatMap(({ key, message }) => (message === null ? [key] : []));
}

/** Values as plain objects: decoded ones are instances of the codec's own classes. */
function valuesOf<T>(records: readonly Read<Message<string, T>>[]): readonly T[] {
  return records.flatMap(({ message }) =>
    message === null ? [] : [JSON.parse(JSON.stringify(message.value)) as T],
  );
}

/** A driver; the tenant of `config`, when given, is there before the first record. */
export async function createDriver(
  config?: TenantConfigured,
  options: { readonly maxFixesPerUnit?: number; readonly unpackedUnits?: number } = {},
): Promise<Driver> {
  const logged: { message: string; fields: object }[] = [];
  const keep = (fields: object, message: string): void => void logged.push({ fields, message });
  const trips: TripCompleted[] = [];
  const visits: SiteVisited[] = [];
  const tasks: TaskRaised[] = [];
  const crossings: GeofenceCrossed[] = [];
  let held: HeldCounts | undefined;
  const flaws: string[] = [];
  const made: string[] = [];
  const outcomes = new Map<string, number>();
  const further = new Map<string, unknown[]>(furtherTopics.map(({ name }) => [name, []]));
  const stream = await createStreamDriver({ partitions: { task: 1, source: 1 } });

  async function turn<M extends Message>(
    topic: Topic<M>,
    records: readonly { readonly key: string; readonly message: M | null }[],
    { abort = false }: Trouble = {},
  ): Promise<Produced> {
    if (abort) stream.log.crashes.nextCommit(SERVICE, 0, 'fail');
    await stream.pipe(topic, records);
    const read = {
      trips: await stream.take(topics.trip),
      visits: await stream.take(topics.siteVisit),
      tasks: await stream.take(topics.task),
      proposals: await stream.take(topics.proposal),
      newest: await stream.take(topics.positionState),
      minutes: await stream.take(topics.positionMinute),
      hours: await stream.take(topics.hourCount),
    };
    const produced = {
      trips: valuesOf(read.trips),
      visits: valuesOf(read.visits),
      tasks: valuesOf(read.tasks),
      proposals: valuesOf(read.proposals),
      newest: valuesOf(read.newest),
      minutes: valuesOf(read.minutes),
      hours: valuesOf(read.hours),
      hoursGone: goneOf(read.hours),
      proposalsGone: goneOf(read.proposals),
    };
    trips.push(...produced.trips);
    visits.push(...produced.visits);
    tasks.push(...produced.tasks);
    crossings.push(...valuesOf(await stream.take(topics.geofence)));
    for (const topic of furtherTopics) {
      further.get(topic.name)?.push(...valuesOf(await stream.take(topic)));
    }
    const letters = await stream.take(topics.detectorDeadLetter);
    return {
      ...produced,
      rejections: letters.flatMap(({ message }) => (message === null ? [] : [message.value])),
      skipped: stream.discarded(),
      records: [...read.trips, ...read.visits, ...read.tasks].flatMap(({ key, message }) =>
        message === null ? [] : [{ key, message }],
      ),
    };
  }

  const setTenant = (value: TenantConfigured): Promise<Produced> =>
    turn(topics.tenantConfig, [
      { key: value.tenant_id, message: { type: 'TenantConfigured', value } },
    ]);

  if (config !== undefined) await setTenant(config);
  const service = await stream.start(
    (streams) =>
      createService(
        {
          DETECTOR_MAX_FIXES_PER_UNIT: options.maxFixesPerUnit ?? 100_000,
          DETECTOR_UNPACKED_UNITS: options.unpackedUnits ?? 250,
        },
        {
          streams,
          cellOf,
          logger: { info: keep, error: keep },
          metrics: {
            fix: (outcome, count) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + count),
            published: (rule) => made.push(rule),
            proposal: (status) => made.push(status),
            flaw: (flaw) => flaws.push(flaw),
            state: (_partition, counts) => (held = counts),
          },
        },
      ),
    { logger: { info: () => undefined, warn: () => undefined, error: keep } },
  );

  return {
    process: (inputs, trouble) =>
      turn(
        topics.position as Topic,
        inputs.map((value) => {
          const isPosition = 'event_id' in value;
          const type =
            'latitude' in value
              ? 'PositionRecorded'
              : isPosition
                ? 'SignalRecorded'
                : 'ProgressReached';
          const key = taskKey(value.tenant_id, isPosition ? value.unit : value.source_id);
          return { key, message: { type, value } };
        }),
        trouble,
      ),
    reread: (records, trouble) =>
      turn(
        topics.positionBackfill as Topic,
        records.map((value) => ({
          key: taskKey(value.tenant_id, value.unit),
          message: { type: 'request_id' in value ? 'RangeReread' : 'PositionRecorded', value },
        })),
        trouble,
      ),
    judge: (value) => {
      const key = `${taskKey(value.tenant_id, value.unit)}/${value.business_date}`;
      return turn(topics.proposalVerdict, [{ key, message: { type: 'ProposalJudged', value } }]);
    },
    setTenant,
    setZone: (value, trouble) => {
      const key = taskKey(value.tenant_id, value.geofence_id);
      return turn(topics.zone, [{ key, message: { type: 'ZoneDescribed', value } }], trouble);
    },
    removeZone: (tenantId, geofenceId) =>
      turn(topics.zone, [{ key: taskKey(tenantId, geofenceId), message: null }]),
    setBinding: (value) => {
      const key = taskKey(value.tenant_id, value.unit);
      return turn(topics.driverBinding, [{ key, message: { type: 'DriverBound', value } }]);
    },
    setPlan: (value) => {
      const key = taskKey(value.tenant_id, value.unit);
      return turn(topics.plannedAssignment, [
        { key, message: { type: 'AssignmentPlanned', value } },
      ]);
    },
    restart: service.restart,
    snapshot: stream.log.takeSnapshots,
    standingTrips: () => newest(trips).filter((trip) => !trip.retracted),
    standingVisits: () => newest(visits).filter((visit) => !visit.retracted),
    versions: <T>(topic: Topic<Message<string, T>>) => (further.get(topic.name) ?? []) as T[],
    standing: <T extends Entity>(topic: Topic<Message<string, T>>) =>
      newest((further.get(topic.name) ?? []) as T[]).filter(({ retracted }) => !retracted),
    openTasks: () =>
      newest(tasks.map((raised) => ({ ...raised, event_id: raised.task_id }))).filter(
        (raised) => raised.status === 'OPEN',
      ),
    lose: async (text) => {
      const saved = await stream.read(topics.detectorUnit);
      const keys = new Set(saved.map(({ key }) => key).filter((key) => key.includes(text)));
      await stream.pipe(
        topics.detectorUnit,
        [...keys].map((key) => ({ key, message: null })),
      );
    },
    written: async () => (await stream.read(topics.detectorUnit)).length,
    saved: async () => {
      const sizes = new Map<string, number>();
      for (const { key, message } of await stream.read(topics.detectorUnit)) {
        if (message === null) sizes.delete(key);
        else sizes.set(key, message.value.payload.length);
      }
      return sizes;
    },
    crossings,
    setAsset: (value) =>
      turn(topics.asset, [
        { key: taskKey(value.tenant_id, value.unit), message: { type: 'AssetDescribed', value } },
      ]),
    outcomes,
    made,
    flaws,
    held: () => held,
    logged,
  };
}
