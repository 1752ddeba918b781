import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { HourCounts, hourOf } from './hour-counts.ts';

const NOW = 490_000;
const at = (hour: number, second: number = 0): number => hour * 3600 + second;
const open = (fromHour: number) => ({ fromS: at(fromHour), toS: 4_294_967_295, open: true });

function complete(fromHour: number, counts: [number, number][] = []): HourCounts {
  const hours = new HourCounts();
  hours.begin('u', NOW);
  hours.read('u', open(fromHour), new Map(counts), NOW);
  // The answer that may overlap with the interval.
  hours.polled();
  return hours;
}

test('hours that an interval covers have its counts, those before it are not known', () => {
  const hours = complete(NOW - 3, [[NOW - 2, 7]]);
  assert.deepEqual(
    [-4, -3, -2, -1, 0].map((back) => hours.of('u', NOW + back)),
    [-1, 0, 7, 0, 0],
  );
});

test('an hour that is covered in part is not known', () => {
  const hours = new HourCounts();
  hours.begin('u', NOW);
  const interval = { fromS: at(NOW - 2, 1), toS: 4_294_967_295, open: true };
  hours.read('u', interval, new Map([[NOW - 2, 5]]), NOW);
  assert.equal(hours.of('u', NOW - 2), -1);
  assert.equal(hours.of('u', NOW - 1), 0);
});

test('live messages are added, also in hours that begin later', () => {
  const hours = complete(NOW - 3, [[NOW, 2]]);
  const poll = hours.polled();
  hours.live('u', at(NOW, 5), poll, NOW);
  hours.live('u', at(NOW + 1, 5), poll, NOW + 1);
  hours.live('u', at(NOW + 1, 6), poll, NOW + 1);
  assert.equal(hours.of('u', NOW), 3);
  assert.equal(hours.of('u', NOW + 1), 2);
});

test('what may have come twice makes its hour unknown instead of wrong', () => {
  const hours = complete(NOW - 3);
  hours.begin('u', NOW);
  const during = hours.polled();
  hours.live('u', at(NOW - 1), during, NOW);
  hours.read('u', open(NOW - 3), new Map([[NOW - 1, 1]]), NOW);
  hours.live('u', at(NOW - 2), hours.polled(), NOW);
  assert.equal(hours.of('u', NOW - 1), -1, 'heard while the interval was read');
  assert.equal(hours.of('u', NOW - 2), -1, 'heard in the first answer after it');
  hours.live('u', at(NOW), hours.polled(), NOW);
  assert.equal(hours.of('u', NOW), 1, 'from then on exact again');
});

test('counts survive a restart as they were saved', () => {
  const hours = complete(NOW - 30, [[NOW - 20, 9]]);
  const saved = hours.save('u');
  assert.ok(saved);
  assert.equal(hours.save('u'), undefined, 'nothing new');
  const again = new HourCounts();
  again.restore('u', saved);
  for (let hour = NOW - 40; hour <= NOW; hour += 1) {
    assert.equal(again.of('u', hour), hours.of('u', hour));
  }
});

test('after eleven days an hour is forgotten, and future dates have no place', () => {
  const hours = complete(NOW - 3, [[NOW - 3, 4]]);
  hours.live('u', at(NOW + 100), hours.polled(), NOW);
  assert.equal(hours.of('u', NOW + 100), -1);
  hours.live('u', at(NOW + 300), hours.polled(), NOW + 300);
  assert.equal(hours.of('u', NOW - 3), -1);
  assert.equal(hours.of('u', NOW + 300), 1);
});

test('a known count is never more than what was heard, whatever the order', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('live' as const), back: fc.integer({ min: 0, max: 5 }) }),
    fc.record({ kind: fc.constant('read' as const), back: fc.integer({ min: 0, max: 5 }) }),
    fc.record({ kind: fc.constant('late' as const), back: fc.integer({ min: 0, max: 5 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const hours = new HourCounts();
      const stored = new Map<number, number>();
      const pending: number[] = [];
      const hear = (): void => {
        const poll = hours.polled();
        for (const hour of pending.splice(0)) hours.live('u', at(hour), poll, NOW);
      };
      for (const { kind, back } of steps) {
        const hour = NOW - back;
        if (kind === 'read') {
          hours.begin('u', NOW);
          // Registered before the load, heard only afterwards: in both.
          hours.read('u', open(hour), new Map(stored), NOW);
          continue;
        }
        stored.set(hour, (stored.get(hour) ?? 0) + 1);
        pending.push(hour);
        if (kind === 'live') hear();
      }
      hear();
      for (let hour = NOW - 5; hour <= NOW; hour += 1) {
        const known = hours.of('u', hour);
        assert.ok(known === -1 || known === (stored.get(hour) ?? 0), `${known} of ${hour}`);
      }
      assert.equal(hourOf(at(NOW, 3599)), NOW);
    }),
  );
});
