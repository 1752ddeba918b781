import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  PositionRecorded,
  ProposalChanged,
  ProposalJudged,
  RangeReread,
  TripCompleted,
} from '@waybill/contracts';
import { businessDate, REREAD_MARGIN_MS } from '@waybill/domain';
import { createDriver, type Driver, type Input } from './testing/driver.ts';
import { position, progress, UNIT, type Fixture } from './testing/messages.ts';
import { tenant } from './testing/tenant.ts';
import { vehicle } from './testing/vehicle.ts';

const ZONE = 'America/Los_Angeles';
/** Midnight in San Francisco, s. */
const MIDNIGHT = Date.parse('2008-05-21T07:00:00Z') / 1000;
const HOUR = 3600;
const REQUEST = 'e'.repeat(32);

/** A day with a trip in the afternoon, and one that ends at 23:50 whose fixes arrive at `arrival`. */
function day(arrival: number): { readonly live: Fixture[]; readonly evening: Fixture[] } {
  const cab = vehicle(MIDNIGHT - 10 * HOUR);
  const live = [...cab.stay(10), ...cab.drive(30), ...cab.stay(30)];
  cab.silence((MIDNIGHT - 50 * 60 - cab.now()) / 60);
  const evening = [...cab.stay(1), ...cab.drive(39)].map((fix) => ({ ...fix, rt: arrival }));
  cab.silence(20);
  live.push(...cab.stay(30));
  return { live, evening };
}

/** What the driver is fed: fixes in order of arrival, progress every 10 min behind them. */
function feed(fixtures: readonly Fixture[], until: number): Input[] {
  const arriving = fixtures.toSorted((a, b) => (a.rt ?? a.t + 1) - (b.rt ?? b.t + 1));
  const inputs: Input[] = [];
  let clock = MIDNIGHT - 11 * HOUR;
  let at = 0;
  for (; clock <= until; clock += 600) {
    for (; at < arriving.length; at += 1) {
      const fix = arriving[at];
      if (fix === undefined || (fix.rt ?? fix.t + 1) > clock) break;
      inputs.push(position(fix));
    }
    inputs.push(progress(clock));
  }
  return inputs;
}

function marker(from: number, to: number, wishes: Partial<RangeReread> = {}): RangeReread {
  return {
    tenant_id: 'bay-cabs',
    unit: UNIT,
    request_id: REQUEST,
    from_time: from * 1000 - REREAD_MARGIN_MS,
    to_time: to * 1000 + REREAD_MARGIN_MS,
    preview: false,
    complete: true,
    reason: null,
    received_time: to * 1000,
    ...wishes,
  };
}

function verdict(proposal: ProposalChanged, wishes: Partial<ProposalJudged> = {}): ProposalJudged {
  const { tenant_id, unit, business_date, proposal_id } = proposal;
  const judged_time = proposal.changed_time + 60_000;
  return {
    ...{ tenant_id, unit, business_date, proposal_id },
    ...{ verdict: 'ACCEPT', judged_by: 'dispatcher', judged_time },
    ...wishes,
  };
}

/** What the ERP's row takes of a trip. */
function rowOf(trip: TripCompleted | undefined): unknown {
  return (
    trip && {
      id: trip.trip_id,
      unit: trip.unit,
      date: businessDate(trip.event_time, ZONE),
      start: trip.start_time,
      end: trip.end_time,
      km: trip.distance_km,
      s: trip.duration_s,
      fixes: trip.fix_count,
      inputs: trip.inputs_hash,
      from: [trip.start_latitude, trip.start_longitude],
      to: [trip.end_latitude, trip.end_longitude],
    }
  );
}

const config = tenant({ zone: ZONE, beyondGrace: 'recompute' });

async function inTime(): Promise<unknown> {
  const { live, evening } = day(MIDNIGHT + 1.25 * HOUR);
  const driver = await createDriver(config);
  await driver.process(feed([...live, ...evening], MIDNIGHT + 9 * HOUR));
  assert.equal(driver.standingTrips().length, 2);
  assert.equal(driver.openTasks().length, 0);
  return rowOf(driver.standingTrips()[1]);
}

/** The evening's fixes 7 h late: the day with its task and what it asks for. */
async function tooLate(): Promise<{ readonly driver: Driver; readonly wanted: ProposalChanged }> {
  const { live, evening } = day(MIDNIGHT - 600 + 7 * HOUR);
  const driver = await createDriver(config);
  const { proposals } = await driver.process(feed([...live, ...evening], MIDNIGHT + 9 * HOUR));
  assert.equal(driver.standingTrips().length, 1);
  assert.equal(driver.openTasks().length, 1);
  const [wanted] = proposals;
  assert.ok(wanted);
  assert.equal(proposals.length, 1);
  return { driver, wanted };
}

/** The whole range again, as the provider gives it now. */
async function reread(
  driver: Driver,
  wanted: ProposalChanged,
  wishes: Partial<RangeReread> = {},
): Promise<readonly ProposalChanged[]> {
  const { live, evening } = day(MIDNIGHT - 600 + 7 * HOUR);
  const inRange = [...live, ...evening]
    .filter(({ t }) => t * 1000 >= wanted.from_time && t * 1000 < wanted.to_time)
    .toSorted((a, b) => a.t - b.t)
    .map((fix) => position({ ...fix, offset: 77 }));
  const end = marker(0, 0, { from_time: wanted.from_time, to_time: wanted.to_time, ...wishes });
  return (await driver.reread([...inRange, end])).proposals;
}

test('a trip that ends 23:50 and arrives 01:15 is of the day on which it ended', async () => {
  const row = (await inTime()) as { date: string };
  assert.equal(row.date, '2008-05-20');
});

test('the same trip after 7 h becomes a proposal and, accepted, the same row', async () => {
  const { driver, wanted } = await tooLate();
  assert.deepEqual(
    [wanted.status, wanted.business_date, wanted.late_fixes, wanted.changes],
    ['WANTED', '2008-05-20', 40, []],
  );
  assert.deepEqual([wanted.fixes, wanted.changed_time], [0, (MIDNIGHT + 9 * HOUR) * 1000]);
  const [pending, ...more] = await reread(driver, wanted);
  assert.ok(pending);
  assert.deepEqual(more, []);
  assert.deepEqual([pending.status, pending.reason], ['PENDING', null]);
  assert.deepEqual(
    pending.changes.map(({ entity, change }) => [entity, change]),
    [['trip', 'INSERT']],
  );
  assert.match(
    pending.changes[0]?.detail ?? '',
    /trip inserted: 2008-05-21T06:11:00Z to 2008-05-21T06:50:00Z, [\d.]+ km/,
  );
  assert.equal(driver.standingTrips().length, 1, 'nothing is published before the verdict');

  const judged = verdict(pending);
  const { trips, tasks, proposals } = await driver.judge(judged);
  const [trip] = trips;
  assert.deepEqual(rowOf(trip), await inTime());
  assert.deepEqual(
    [trip?.cause, trip?.revision, trip?.finality, trip?.first_fix.offset],
    ['accepted_late', judged.judged_time, 'final', 77],
  );
  assert.equal(trip?.late_by_s, 7 * HOUR);
  assert.deepEqual(
    tasks.map(({ status, business_date: date }) => [status, date]),
    [['DONE', '2008-05-20']],
  );
  assert.deepEqual(
    proposals.map(({ status, decided_by: by }) => [status, by]),
    [['ACCEPTED', 'dispatcher']],
  );
  const again = await driver.judge(judged);
  assert.deepEqual([again.trips, again.proposals], [[], []], 'a verdict counts once');
});

test('days that are late already are asked for as soon as the tenant wants that', async () => {
  const { live, evening } = day(MIDNIGHT - 600 + 7 * HOUR);
  const driver = await createDriver(tenant({ zone: ZONE }));
  const before = await driver.process(feed([...live, ...evening], MIDNIGHT + 9 * HOUR));
  assert.deepEqual([before.proposals, driver.openTasks().length], [[], 1]);
  const { proposals } = await driver.setTenant(
    tenant({ zone: ZONE, beyondGrace: 'recompute', version: 2 }),
  );
  assert.deepEqual(
    proposals.map(({ status, business_date: date }) => [status, date]),
    [['WANTED', '2008-05-20']],
  );
});

test('a verdict survives a restart, and is found when it came while nobody was there', async () => {
  const { driver, wanted } = await tooLate();
  const [pending] = await reread(driver, wanted);
  assert.ok(pending);
  await driver.restart();
  const { trips: none } = await driver.judge(verdict(pending));
  assert.deepEqual(none, [], 'the task looks at verdicts with its first record');
  const { trips } = await driver.process([progress(MIDNIGHT + 9.1 * HOUR)]);
  assert.equal(trips.length, 1);
  await driver.restart();
  const after = await driver.process([progress(MIDNIGHT + 10 * HOUR)]);
  assert.deepEqual([after.trips, after.proposals, after.tasks], [[], [], []]);
});

test('rejected, nothing is published and the task is done; late fixes after that open it again', async () => {
  const { driver, wanted } = await tooLate();
  const [pending] = await reread(driver, wanted);
  assert.ok(pending);
  const { trips, tasks } = await driver.judge(verdict(pending, { verdict: 'REJECT' }));
  assert.deepEqual([trips, tasks.map(({ status }) => status)], [[], ['DONE']]);
  const late = { t: MIDNIGHT - 3 * HOUR, lat: 37.8, lon: -122.4, rt: MIDNIGHT + 9.1 * HOUR };
  const opened = await driver.process([position(late), progress(MIDNIGHT + 9.2 * HOUR)]);
  assert.deepEqual(
    opened.tasks.map(({ status, fix_count: count }) => [status, count]),
    [['OPEN', 41]],
  );
  assert.deepEqual(opened.proposals, [], 'not before it is quiet');
  const quiet = await driver.process([progress(MIDNIGHT + 9.5 * HOUR)]);
  assert.deepEqual(
    quiet.proposals.map(({ status }) => status),
    ['WANTED'],
  );
});

test('a proposal is replaced by a newer one; what was judged meanwhile does not count', async () => {
  const { driver, wanted } = await tooLate();
  const [pending] = await reread(driver, wanted);
  assert.ok(pending);
  assert.deepEqual(await reread(driver, wanted), [], 'the same again is no news');
  const { live, evening } = day(MIDNIGHT - 600 + 7 * HOUR);
  const last = evening.at(-1);
  assert.ok(last);
  const further = { ...last, t: last.t + 60, lat: last.lat + 0.002, rt: MIDNIGHT + 9 * HOUR };
  await driver.process([position(further), progress(MIDNIGHT + 9.5 * HOUR)]);
  const { proposals } = await driver.reread([
    ...[...live, ...evening, further].map((fix) => position(fix)),
    marker(0, 0, { from_time: wanted.from_time, to_time: wanted.to_time }),
  ]);
  const [newer] = proposals;
  assert.equal(newer?.status, 'PENDING');
  assert.notEqual(newer.proposal_id, pending.proposal_id);
  const old = await driver.judge(verdict(pending));
  assert.deepEqual([old.trips, old.skipped.get('verdict_outdated')], [[], 1]);
  const { trips } = await driver.judge(verdict(newer));
  assert.equal(trips[0]?.end_time, further.t * 1000);
});

test('an accepted update keeps the id of the trip that was published', async () => {
  const cab = vehicle(MIDNIGHT - 10 * HOUR);
  const before = [...cab.stay(10), ...cab.drive(20)];
  const late = cab.drive(3).map((fix) => ({ ...fix, rt: fix.t + 7 * HOUR }));
  const after = [...cab.stay(30)];
  const driver = await createDriver(config);
  const { proposals } = await driver.process(
    feed([...before, ...late, ...after], MIDNIGHT + 2 * HOUR),
  );
  const [published] = driver.standingTrips();
  assert.equal(published?.fix_count, 22);
  const [wanted] = proposals;
  assert.ok(wanted);
  assert.deepEqual(
    [wanted.from_time, wanted.to_time],
    [published.start_time - REREAD_MARGIN_MS, (late[2]?.t ?? 0) * 1000 + 1 + REREAD_MARGIN_MS],
    'from the start of what they touch',
  );
  const found = await driver.reread([
    ...[...before, ...late, ...after].map((fix) => position(fix)),
    marker(0, 0, { from_time: wanted.from_time, to_time: wanted.to_time }),
  ]);
  const [pending] = found.proposals;
  assert.deepEqual(
    pending?.changes.map(({ change, entity_id: id }) => [change, id]),
    [['UPDATE', published.trip_id]],
  );
  assert.ok(pending);
  const { trips } = await driver.judge(verdict(pending));
  assert.deepEqual(
    trips.map(({ trip_id: id, fix_count: count }) => [id, count]),
    [[published.trip_id, 24]],
  );
  assert.ok((trips[0]?.revision ?? 0) > published.revision);
});

test('a preview is shown and cannot be accepted; a range that was not read to its end is no proposal', async () => {
  const { driver, wanted } = await tooLate();
  const [failed] = await reread(driver, wanted, { complete: false, reason: 'access denied' });
  assert.deepEqual(
    [failed?.status, failed?.reason],
    ['FAILED', 'the range could not be read: access denied'],
  );
  const [preview] = await reread(driver, wanted, { preview: true });
  assert.equal(preview?.status, 'PREVIEW');
  assert.equal(preview.changes.length, 1);
  const { trips } = await driver.judge(verdict(preview));
  assert.deepEqual(trips, []);
  const [pending] = await reread(driver, wanted);
  assert.equal(pending?.status, 'PENDING');
});

test('the same range read again later is no news: what awaits a verdict stays, also when somebody looks', async () => {
  const { driver, wanted } = await tooLate();
  const [pending] = await reread(driver, wanted);
  assert.ok(pending);
  const { live, evening } = day(MIDNIGHT - 600 + 7 * HOUR);
  const later = { received: pending.changed_time + 77_000, offset: 99 };
  for (const [i, preview] of [false, true].entries()) {
    // What was read before is forgotten.
    await driver.process([progress(MIDNIGHT + (10 + i) * HOUR)]);
    const range = { from_time: wanted.from_time, to_time: wanted.to_time };
    const { proposals } = await driver.reread([
      ...[...live, ...evening].map((fix) => position({ ...fix, ...later })),
      marker(0, 0, { ...range, preview, received_time: later.received }),
    ]);
    assert.deepEqual(proposals, []);
  }
  const { trips } = await driver.judge(verdict(pending));
  assert.equal(trips.length, 1);
});

test('the same positions as before are no difference', async () => {
  const { live } = day(0);
  const driver = await createDriver(config);
  await driver.process(feed(live, MIDNIGHT + 9 * HOUR));
  const { proposals } = await driver.reread([
    ...live.map((fix) => position(fix)),
    marker(MIDNIGHT - 10 * HOUR, MIDNIGHT - 5 * HOUR),
  ]);
  assert.deepEqual(
    proposals.map(({ status, changes, fixes }) => [status, changes, fixes]),
    [['EMPTY', [], live.length]],
  );
  const whole = await driver.reread([marker(MIDNIGHT - 24 * HOUR, MIDNIGHT)]);
  assert.deepEqual(
    whole.proposals.map(({ business_date: date }) => date),
    [],
    'a business day is answered for itself, and was',
  );
});

test('an outage of the extractor of 8 h makes nothing late: no task, no proposal', async () => {
  const { live, evening } = day(MIDNIGHT - 600);
  const all = [...live, ...evening].map((fix) => ({ ...fix, received: (fix.t + 8 * HOUR) * 1000 }));
  const driver = await createDriver(config);
  const { tasks, proposals } = await driver.process(feed(all, MIDNIGHT + 9 * HOUR));
  assert.deepEqual([tasks, proposals], [[], []]);
  assert.equal(driver.standingTrips().length, 2);
});

test('a tenant that wants tasks only is asked nothing', async () => {
  const { live, evening } = day(MIDNIGHT - 600 + 7 * HOUR);
  const driver = await createDriver(tenant({ zone: ZONE }));
  const { tasks, proposals } = await driver.process(
    feed([...live, ...evening], MIDNIGHT + 9 * HOUR),
  );
  assert.deepEqual([tasks.at(-1)?.status, proposals], ['OPEN', []]);
});

test('an aborted transaction leaves one proposal and one acceptance', async () => {
  const { driver, wanted } = await tooLate();
  const { live, evening } = day(MIDNIGHT - 600 + 7 * HOUR);
  const all = [...live, ...evening].map((fix) => position(fix));
  const end = marker(0, 0, { from_time: wanted.from_time, to_time: wanted.to_time });
  const { proposals } = await driver.reread([...all, end], { abort: true });
  assert.deepEqual(
    proposals.map(({ status }) => status),
    ['PENDING'],
  );
});

test('a range that begins within a trip is no answer', async () => {
  const { driver, wanted } = await tooLate();
  const { evening } = day(MIDNIGHT - 600 + 7 * HOUR);
  const { proposals } = await driver.reread([
    ...evening.slice(5).map((fix) => position(fix)),
    marker(0, 0, { from_time: wanted.from_time, to_time: wanted.to_time }),
  ]);
  assert.deepEqual(
    proposals.map(({ status, reason }) => [status, reason]),
    [['FAILED', '1 facts begin before what was read; ask for more']],
  );
  assert.equal(driver.openTasks().length, 1);
});

test('a trip that late positions can still change is left to the live detection, then asked for again', async () => {
  const cab = vehicle(MIDNIGHT - 10 * HOUR);
  const before = [...cab.stay(10), ...cab.drive(20)];
  const late = cab.drive(3).map((fix) => ({ ...fix, rt: fix.t + 6.5 * HOUR }));
  // The trip goes on for hours: at 6.5 h it has not been settled.
  const after = [...cab.drive(300), ...cab.stay(30)];
  const all = [...before, ...late, ...after];
  const driver = await createDriver(config);
  const upTo = MIDNIGHT - 2.5 * HOUR;
  const first = await driver.process(feed(all, upTo));
  const [wanted] = first.proposals;
  assert.ok(wanted);
  const { proposals } = await driver.reread([
    ...all.filter(({ t }) => t < upTo).map((fix) => position(fix)),
    marker(0, 0, { from_time: wanted.from_time, to_time: wanted.to_time }),
  ]);
  assert.deepEqual(
    proposals.map(({ status, changes }) => [status, changes]),
    [['EMPTY', []]],
  );
  assert.match(proposals[0]?.reason ?? '', /left to the live detection/);
  assert.equal(driver.openTasks().length, 1, 'not decided');
  const later = await driver.process([
    ...feed(all, upTo + 15 * HOUR).filter((input) => !('event_id' in input)),
  ]);
  assert.deepEqual(
    later.proposals.map(({ status }) => status),
    ['WANTED'],
  );
});

test('a day’s range holds only so many positions in a quarter of an hour', async () => {
  const driver = await createDriver(config);
  const flood = Array.from({ length: 3_001 }, (_, i) =>
    position({ t: MIDNIGHT + (i % 800), lat: 37.7 + i / 1e5, lon: -122.4 }),
  );
  const { proposals, skipped } = await driver.reread([...flood, marker(MIDNIGHT, MIDNIGHT + 900)]);
  assert.equal(skipped.get('reread_limit'), 1);
  assert.equal(proposals[0]?.status, 'FAILED');
  assert.match(proposals[0].reason ?? '', /more positions than are taken/);
});

test('while ranges wait live positions go first: one range per call, behind all that the call settles', async () => {
  const { driver, wanted } = await tooLate();
  const { live, evening } = day(MIDNIGHT - 600 + 7 * HOUR);
  const range = { from_time: wanted.from_time, to_time: wanted.to_time };
  await driver.reread([
    ...[...live, ...evening].map((fix) => position({ ...fix, offset: 77 })),
    marker(0, 0, { ...range, preview: true }),
    marker(0, 0, range),
    marker(0, 0, { ...range, complete: false }),
  ]);
  assert.deepEqual(driver.made, ['trip', 'WANTED', 'PREVIEW'], 'one of three');
  const cab = vehicle(MIDNIGHT + 9 * HOUR);
  for (const status of ['PENDING', 'FAILED']) {
    const before: number = driver.made.length;
    await driver.process([...cab.drive(10), ...cab.stay(10)].map((fix) => position(fix)));
    assert.deepEqual(driver.made.slice(before), ['trip', status]);
  }
});

/** The range of `wanted` as the provider gives it, without its end marker. */
function positionsOf(wanted: ProposalChanged): readonly PositionRecorded[] {
  const { live, evening } = day(MIDNIGHT - 600 + 7 * HOUR);
  return [...live, ...evening]
    .filter(({ t }) => t * 1000 >= wanted.from_time && t * 1000 < wanted.to_time)
    .map((fix) => position({ ...fix, offset: 77 }));
}

function endOf({ from_time, to_time }: ProposalChanged): RangeReread {
  return marker(0, 0, { from_time, to_time });
}

test('what was read again before a restart counts, and is forgotten after 15 minutes of T', async () => {
  const { driver, wanted } = await tooLate();
  await driver.reread(positionsOf(wanted));
  await driver.restart();
  await driver.process([progress(MIDNIGHT + 9 * HOUR + 840)]);
  const [pending] = (await driver.reread([endOf(wanted)])).proposals;
  assert.deepEqual([pending?.status, pending?.fixes], ['PENDING', positionsOf(wanted).length]);

  await driver.process([progress(MIDNIGHT + 9 * HOUR + 900)]);
  const again = (await driver.reread([endOf(wanted)])).proposals;
  assert.ok(again.every(({ fixes }) => fixes < positionsOf(wanted).length));
});

test('hours say how many proposals await a verdict', async () => {
  const { driver, wanted } = await tooLate();
  const pendingAt = async (clock: number): Promise<number | undefined> =>
    (await driver.process([progress(clock)])).hours.find(
      ({ hour_time: time }) => time === (MIDNIGHT - HOUR) * 1000,
    )?.pending_proposals;
  const [pending] = await reread(driver, wanted);
  assert.ok(pending);
  assert.equal(await pendingAt(MIDNIGHT + 9.1 * HOUR), 1);
  await driver.judge(verdict(pending, { verdict: 'REJECT' }));
  assert.equal(await pendingAt(MIDNIGHT + 9.2 * HOUR), 0);
});

test('a decided proposal is forgotten after 35 days, one that awaits its verdict is not', async () => {
  const { driver, wanted } = await tooLate();
  const [pending] = await reread(driver, wanted);
  assert.ok(pending);
  const daysLater = async (days: number): Promise<readonly string[]> =>
    (await driver.process([progress(MIDNIGHT + 9 * HOUR + days * 24 * HOUR)])).proposalsGone;
  assert.deepEqual(await daysLater(36), []);
  await driver.judge(verdict(pending, { verdict: 'REJECT' }));
  assert.deepEqual(await daysLater(70), []);
  assert.deepEqual(await daysLater(72), [`bay-cabs/${UNIT}/2008-05-20`]);
});

test('late positions that change nothing end their task once that was found', async () => {
  const { live } = day(0);
  const standing = live.at(-20) as Fixture;
  const late = { ...standing, t: standing.t + 30, rt: standing.t + 8 * HOUR };
  const driver = await createDriver(config);
  const { proposals } = await driver.process(feed([...live, late], MIDNIGHT + 12 * HOUR));
  assert.equal(driver.openTasks().length, 1);
  const [wanted] = proposals;
  assert.ok(wanted);
  const found = await driver.reread([
    ...[...live, late].map((fix) => position(fix)),
    endOf(wanted),
  ]);
  assert.deepEqual(
    found.proposals.map(({ status }) => status),
    ['EMPTY'],
  );
  assert.deepEqual(
    found.tasks.map(({ status }) => status),
    ['DONE'],
  );
});

test('of a unit that was never heard in time the day is proposed too', async () => {
  const { live, evening } = day(MIDNIGHT - 600 + 7 * HOUR);
  const late = [...live, ...evening].map((fix) => ({ ...fix, rt: MIDNIGHT + 12 * HOUR }));
  const driver = await createDriver(config);
  const { proposals } = await driver.process(feed(late, MIDNIGHT + 13 * HOUR));
  const [wanted] = proposals;
  assert.ok(wanted);
  const found = await driver.reread([...late.map((fix) => position(fix)), endOf(wanted)]);
  assert.deepEqual(
    found.proposals.map(({ status, changes }) => [status, changes.length]),
    [['PENDING', 2]],
  );
});
