// Reworks on a finished system, by the commands of an operator.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { topics, type Topic } from '@waybill/contracts';
import { until } from '@waybill/testkit';
import { call } from '../demo/http.ts';
import { untilQuiet } from '../demo/quiet.ts';
import type { System } from '../demo/system.ts';
import { EVERY_S, FIXES, MOVING, TENANT, type LateTenant } from './late-tenant.ts';
import type { Finished } from './run-once.ts';

const run = promisify(execFile);
const CLI = new URL('../../packages/cli/src/main.ts', import.meta.url).pathname;
const PATIENT = { deadlineMs: 60_000, everyMs: 50 };

interface Status {
  readonly status: string;
  readonly records_done: number;
  readonly records_refused: number;
  readonly outcomes: readonly { readonly outcome: string; readonly count: number }[];
  readonly reasons: readonly string[];
}

interface Ordered {
  readonly rework_id: string;
}

/** What an operator does, and what the console answers. */
interface Operator {
  /** `waybill rework …`; what it prints. */
  readonly rework: (...args: readonly string[]) => Promise<string>;
  /** Orders a rework by the CLI; its id. */
  readonly order: (...args: readonly string[]) => Promise<string>;
  /** Orders a rework at the console, as the CLI does; its id. */
  readonly ask: (wanted: object) => Promise<string>;
  readonly status: (id: string) => Promise<Status>;
  readonly ended: (id: string) => Promise<Status>;
}

function operatorOf(system: System): Operator {
  const address = system.url('console');
  const rework = async (...args: readonly string[]): Promise<string> =>
    (await run(process.execPath, [CLI, 'rework', ...args, '--console', address])).stdout;
  const status = (id: string): Promise<Status> => call<Status>(`${address}/rework?id=${id}`);
  return {
    rework,
    order: async (...args) => {
      const { rework_id: id } = JSON.parse(await rework(...args, '--json')) as Ordered;
      return id;
    },
    ask: async (wanted) => {
      const body = { ...wanted, by: 'test' };
      return (await call<Ordered>(`${address}/rework`, body)).rework_id;
    },
    status,
    ended: async (id) => {
      let found = await status(id);
      await until(
        `rework ${id} to end`,
        async () => {
          found = await status(id);
          return found.status !== 'WAITING' && found.status !== 'RUNNING';
        },
        PATIENT,
      );
      return found;
    },
  };
}

function outcome({ outcomes }: Status, name: string): number {
  return outcomes.find((each) => each.outcome === name)?.count ?? 0;
}

/** Ends of topics, to see that nothing was written. */
async function endsOf(
  { admin }: System,
  wanted: readonly Topic[],
): Promise<ReadonlyMap<string, bigint>> {
  return new Map(await admin.ends(wanted));
}

async function countOf(system: System, topic: Topic): Promise<number> {
  const ends = await endsOf(system, [topic]);
  return [...ends.values()].reduce((sum, end) => sum + Number(end), 0);
}

const DETECTOR_WRITES: readonly Topic[] = [
  ...[topics.trip, topics.siteVisit, topics.geofence, topics.task, topics.positionState],
  ...[topics.detectorDeadLetter, topics.detectorUnit, topics.detectorLate],
];
const TRANSFORMER_WRITES: readonly Topic[] = [
  ...[topics.tripStatus, topics.asset, topics.zone, topics.driverBinding],
  topics.transformerDeadLetter,
];
/** Each goes on into the next quarter of an hour: the detector packs by quarters. */
const DRIVES = ['2008-05-20T20:08:00Z', '2008-05-20T22:08:00Z'].map((at) => Date.parse(at));

/**
 * Positions are refused because nobody has applied their tenant; it is applied, newer ones come, then the
 * refused ones are reworked.
 */
export async function checkDeadLetters(system: System, tenant: LateTenant): Promise<void> {
  const { ask, order, ended, rework } = operatorOf(system);
  const [first = 0, second = 0] = DRIVES;
  await tenant.name('Tow 1');
  await tenant.name('Tow 2');
  await tenant.drive(first / 1000);
  await until('dead letters', () => tenant.deadLetters().length === FIXES, PATIENT);
  assert.deepEqual([...new Set(tenant.deadLetters().map(({ code }) => code))], ['TENANT_UNKNOWN']);
  await tenant.apply();
  const ids = tenant.deadLetters().map((letter) => letter.element_id);
  const letters = ids.flatMap((id) => ['--dead-letter', id]);
  const probe = { service: 'detector', dead_letter_ids: ids.slice(0, 1), preview: true };
  await until(
    'the detector to know the tenant',
    async () => outcome(await ended(await ask(probe)), 'TENANT_UNKNOWN') === 0,
    PATIENT,
  );
  await tenant.drive(second / 1000);
  await until('the newer row', async () => (await tenant.rows()).length === 1, PATIENT);
  await untilQuiet(system, new Map());
  const [newer] = await tenant.rows();
  const last = second + (FIXES - 1) * EVERY_S * 1000;
  await until('the newest position', () => tenant.newest().time === last, PATIENT);
  const newest = tenant.newest();

  const before = await endsOf(system, DETECTOR_WRITES);
  const preview = await order('detector', ...letters, '--preview');
  const shown = await ended(preview);
  assert.deepEqual([shown.status, shown.records_done], ['DONE', FIXES]);
  const printed = await rework('status', preview);
  assert.match(printed, new RegExp(`would be made: ${topics.trip.name} +[1-9]`));
  assert.deepEqual(await endsOf(system, DETECTOR_WRITES), before, 'a preview writes nothing');

  const done = await ended(await order('detector', ...letters));
  assert.deepEqual(done, { ...done, status: 'DONE', records_done: FIXES, records_refused: 0 });
  assert.deepEqual(done.outcomes.toSorted(byName), shown.outcomes.toSorted(byName));
  await until('the row', async () => (await tenant.rows()).length === 2, PATIENT);
  await untilQuiet(system, new Map());
  const rows = await tenant.rows();
  assert.deepEqual(rows[1], newer, 'the newer row was not touched');
  assert.deepEqual(
    [rows[0]?.start_time, rows[0]?.duration_s, rows[0]?.distance_km],
    [new Date(first), MOVING * EVERY_S, '2.22'],
  );
  assert.deepEqual(tenant.newest(), newest);
  assert.equal(tenant.deadLetters().length, FIXES, 'nothing is refused again');
}

function byName(a: { readonly outcome: string }, b: { readonly outcome: string }): number {
  return a.outcome < b.outcome ? -1 : 1;
}

/** The raw pages of the same tenant, by key, and one record more often than it may be. */
export async function checkRepeats(system: System, tenant: LateTenant): Promise<void> {
  const { ask, ended } = operatorOf(system);
  const standing = async (): Promise<readonly unknown[]> => [
    ...[await tenant.rows(), await endsOf(system, [topics.trip])],
    ...[tenant.newest(), tenant.deadLetters().length],
  ];
  const before = await standing();
  const pages = await ended(await ask({ service: 'transformer', key: tenant.key }));
  assert.deepEqual([pages.status, pages.records_done], ['DONE', 4]);
  assert.equal(outcome(pages, topics.position.name), 2 * FIXES);

  const { topic = '', partition = 0, offset = 0 } = tenant.deadLetters()[0]?.trace ?? {};
  const wanted = { service: 'detector', addresses: [{ topic, partition, offset }] };
  const all: Status[] = [];
  for (let times = 1; times <= 5; times += 1) {
    all.push(await ended(await ask(wanted)));
  }
  // It was reworked once as a dead letter.
  assert.deepEqual(
    all.map((each) => [each.status, each.records_done, each.records_refused]),
    [...Array.from({ length: 4 }, () => ['DONE', 1, 0]), ['DONE', 0, 1]],
  );
  assert.match(all.at(-1)?.reasons.join() ?? '', /reworked 5 times already/);
  await untilQuiet(system, new Map());
  assert.deepEqual(await standing(), before);
  assert.equal(tenant.newest().name, 'Tow 2');
}

/** Drivers planned in the ERP after the trips stand there: each trip gets the one of its time. */
export async function checkPlan(tenant: LateTenant): Promise<void> {
  const [first = 0, second = 0] = DRIVES;
  const drivers = async (): Promise<readonly unknown[]> =>
    (await tenant.rows()).map((row) => row.driver_code);
  assert.deepEqual(await drivers(), [null, null]);
  await tenant.plan('DRV-1', first - 3_600_000, second - 60_000);
  await tenant.plan('DRV-2', second - 60_000, null);
  await tenant.apply();
  await until(
    'the planned drivers in the ERP',
    async () => (await drivers()).join() === 'D-0001,D-0002',
    PATIENT,
  );
}

/** What the engine says while the cab stands after a drive is a row of the ERP too, and is compared. */
export async function checkIdling(system: System, tenant: LateTenant): Promise<void> {
  const [, second = 0] = DRIVES;
  // The first position behind the drive arrived; from the next one on the cab stood.
  const standing = [second / 1000 + (MOVING + 1) * EVERY_S, (FIXES - 2 - MOVING) * EVERY_S];
  const found = async (): Promise<boolean> =>
    (await tenant.idlings()).some((idling) => idling.join() === standing.join());
  await until('the idling in the ERP', found, PATIENT);
  await untilQuiet(system, new Map());
  const { entities } = await call<{ readonly entities: readonly { readonly entity: string }[] }>(
    `${system.url('reconciler')}/reconcile`,
    { tenant: TENANT },
  );
  const rows = (await tenant.idlings()).length;
  assert.deepEqual(
    entities.find(({ entity }) => entity === 'idle'),
    { entity: 'idle', events: rows, rows, gaps: 0, drift: 0, orphans: 0 },
  );
}

/** A range of a unit read again from the provider: previewed, which writes nothing, then for real. */
export async function checkBackfill({ system, judgeAgain }: Finished): Promise<void> {
  const { order, ended } = operatorOf(system);
  const of = ['--key', 'bay-cabs/wialon:7001', '--from', '2008-05-20T19:00:00Z'];
  const range = [...of, '--to', '2008-05-20T20:00:00Z', '--rate', '1000'];
  const written = [topics.wialonPageBackfill, topics.positionBackfill];
  const before = await endsOf(system, written);
  const positions = await countOf(system, topics.positionBackfill);
  const shown = await ended(await order('wialon-extractor', ...range, '--preview'));
  assert.equal(shown.status, 'DONE', shown.reasons.join());
  assert.ok(shown.records_done > 10, `${shown.records_done} messages`);
  assert.deepEqual(await endsOf(system, written), before, 'a preview writes nothing');
  const done = await ended(await order('wialon-extractor', ...range));
  assert.deepEqual([done.status, done.records_done], ['DONE', shown.records_done]);
  const isRead = async (): Promise<boolean> =>
    (await countOf(system, topics.positionBackfill)) > positions;
  await until('its positions', isRead, PATIENT);
  await untilQuiet(system, new Map());
  assert.deepEqual(await judgeAgain(), []);
}

/** The raw pages of an account that was read: cancelled, previewed, then for real. */
export async function checkRange({ system, judgeAgain }: Finished): Promise<void> {
  const { ask, order, ended, rework, status } = operatorOf(system);
  const raw = [...(await endsOf(system, [topics.wialonPage]))];
  const [place, end] = raw.reduce((most, each) => (each[1] > most[1] ? each : most));
  const [topic = '', partition = ''] = place.split('/');
  const range = {
    ...{ service: 'transformer', topic, partition: Number(partition), rate: 10_000 },
    ...{ from_offset: 0, to_offset: Number(end) },
  };
  const trips = await endsOf(system, [topics.trip, topics.siteVisit]);

  const slow = await order('transformer', '--offsets', `${place}/0/${end}`, '--rate', '1');
  await until('a part is done', async () => (await status(slow)).records_done > 0, PATIENT);
  await rework('cancel', slow);
  const cancelled = await ended(slow);
  assert.equal(cancelled.status, 'CANCELLED');
  await untilQuiet(system, new Map());

  const before = await endsOf(system, TRANSFORMER_WRITES);
  const positions = await countOf(system, topics.position);
  const shown = await ended(await ask({ ...range, preview: true }));
  assert.equal(shown.status, 'DONE');
  assert.ok(outcome(shown, topics.position.name) > 1000, JSON.stringify(shown.outcomes));
  // Progress of the sources comes on in the same topic.
  assert.ok((await countOf(system, topics.position)) < positions + 200);
  assert.deepEqual(await endsOf(system, TRANSFORMER_WRITES), before, 'a preview writes nothing');

  const done = await ended(await ask(range));
  assert.deepEqual(done.outcomes.toSorted(byName), shown.outcomes.toSorted(byName));
  assert.ok(cancelled.records_done < done.records_done);
  await untilQuiet(system, new Map());
  assert.deepEqual(await endsOf(system, [topics.trip, topics.siteVisit]), trips);
  assert.deepEqual(await judgeAgain(), []);
}
