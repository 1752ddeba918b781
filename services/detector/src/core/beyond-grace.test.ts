import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fix } from '../testing/fixes.ts';
import { Bucket } from './beyond-grace.ts';

const DATE = '2008-05-20';
const QUIET = 900_000;
const about = { tenantId: 'bay-cabs', unit: 'wialon:7001', graceMs: 5_400_000 };

/** A fix of minute `t` that was registered in minute `rt`. */
function late(t: number, rt: number, offset = 0): ReturnType<typeof fix> {
  return fix({ t: t * 60, lat: 37.7, lon: -122.4, rt: rt * 60, offset });
}

/** An `event_id`. */
function id(digit: string): string {
  return digit.repeat(32);
}

function filled(): Bucket {
  const bucket = new Bucket(DATE);
  assert.equal(bucket.add(id('a'), late(10, 300, 7)), true);
  assert.equal(bucket.add(id('b'), late(30, 320, 8)), true);
  return bucket;
}

/** As it comes back from the changelog. */
function again(bucket: Bucket): Bucket {
  return new Bucket(DATE, bucket.save());
}

test('a task says how many fixes of a day came how late, under a revision that rises', () => {
  const bucket = filled();
  const task = bucket.task({ ...about, receivedTime: 5000 });
  assert.deepEqual(
    { ...task, trace: task.trace.offset, task_id: task.task_id.length },
    {
      ...{ tenant_id: 'bay-cabs', task_id: 32, kind: 'BEYOND_GRACE', status: 'OPEN' },
      ...{ unit: 'wialon:7001', business_date: DATE, fix_count: 2, max_late_by_s: 17_400 },
      ...{ first_event_time: 600_000, last_event_time: 1_800_000, revision: 5000, trace: 8 },
      detail:
        '2 positions of wialon:7001 on 2008-05-20 came more than 1.5 h late and were not applied; decide whether the day is computed again',
    },
  );
  assert.equal(bucket.isTaskDue, false);
  assert.equal(bucket.unsaved, true, 'its revision');
  assert.equal(again(bucket).task({ ...about, receivedTime: 10 }).revision, 5001);
});

test('a copy is a repeat: the earlier registration of a fix counts, and no task is due by it', () => {
  const bucket = filled();
  bucket.task({ ...about, receivedTime: 1 });
  bucket.save();
  assert.equal(bucket.add(id('a'), late(10, 300)), false, 'the same');
  assert.equal(bucket.add(id('a'), late(10, 400)), false, 'registered later');
  assert.equal(bucket.unsaved, false);
  assert.equal(bucket.add(id('b'), late(30, 315)), false, 'registered earlier');
  assert.equal(bucket.unsaved, true);
  assert.equal(bucket.isTaskDue, false);
  assert.equal(bucket.task({ ...about, receivedTime: 2 }).max_late_by_s, 17_400);
  bucket.add(id('a'), late(10, 200));
  assert.equal(bucket.task({ ...about, receivedTime: 3 }).max_late_by_s, 17_100);
});

test('a day without a late fix is done; what was never there cannot be taken out', () => {
  const bucket = filled();
  bucket.task({ ...about, receivedTime: 1 });
  bucket.save();
  assert.equal(bucket.remove(id('c')), false);
  assert.deepEqual([bucket.isTaskDue, bucket.unsaved], [false, false]);
  assert.equal(bucket.remove(id('a')), true);
  assert.deepEqual([bucket.isTaskDue, bucket.unsaved], [true, true]);
  assert.equal(bucket.task({ ...about, receivedTime: 2 }).status, 'OPEN');
  bucket.remove(id('b'));
  const done = bucket.task({ ...about, receivedTime: 3 });
  assert.deepEqual(
    [done.status, done.fix_count, done.first_event_time, done.last_event_time],
    ['DONE', 0, 0, 0],
  );
  assert.equal(bucket.quietDue(QUIET), Infinity);
});

test('its range is asked for once, when nothing came for a while, and again when more comes', () => {
  const due = 320 * 60_000 + QUIET;
  for (const kept of [(bucket: Bucket) => bucket, again]) {
    let bucket = kept(filled());
    assert.equal(bucket.quietDue(QUIET), due);
    bucket.save();
    bucket.ask();
    assert.equal(bucket.unsaved, true);
    bucket = kept(bucket);
    assert.equal(bucket.quietDue(QUIET), Infinity, 'asked for');
    bucket.save();
    bucket.askAgain(due + 5);
    assert.equal(bucket.unsaved, true);
    bucket = kept(bucket);
    assert.equal(bucket.quietDue(QUIET), due + 5);
    bucket.ask();
    assert.equal(bucket.quietDue(QUIET), Infinity, 'once more only');
    bucket.add(id('c'), late(31, 310));
    assert.equal(kept(bucket).quietDue(QUIET), due, 'the newest registration counts');
  }
});

test('once decided the task is done and nothing is asked for, over restarts, until more comes', () => {
  let bucket = filled();
  bucket.task({ ...about, receivedTime: 1 });
  bucket.save();
  bucket.decide();
  assert.deepEqual([bucket.isTaskDue, bucket.unsaved], [true, true]);
  assert.equal(bucket.task({ ...about, receivedTime: 2 }).status, 'DONE');
  bucket = again(bucket);
  bucket.decide();
  assert.equal(bucket.isTaskDue, false, 'said before');
  assert.equal(bucket.quietDue(QUIET), Infinity);
  assert.equal(bucket.task({ ...about, receivedTime: 3 }).status, 'DONE');
  bucket.add(id('c'), late(31, 330));
  assert.equal(bucket.quietDue(QUIET), 330 * 60_000 + QUIET);
  const open = bucket.task({ ...about, receivedTime: 4 });
  assert.deepEqual([open.status, open.fix_count], ['OPEN', 3]);
});

test('a copy of what was decided about opens nothing', () => {
  const bucket = filled();
  bucket.decide();
  bucket.add(id('a'), late(10, 250));
  assert.equal(bucket.quietDue(QUIET), Infinity);
});
