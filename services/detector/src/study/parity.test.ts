import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rules, track } from '../testing/fixes.ts';
import { tripRuleOf } from '../core/trip-settings.ts';
import { compareWithProvider, type ParityFacts, type ParityTrip } from './parity.ts';

const minute = 60_000;

/** A trip in minutes. */
function trip(start: number, end: number, distanceKm = 10): ParityTrip {
  return { start: start * minute, end: end * minute, distanceKm };
}

const facts: ParityFacts = {
  from: -1000 * minute,
  to: 1000 * minute,
  ours: rules().trip,
  theirs: undefined,
  fixes: track(Array.from({ length: 200 }, (_, i) => i)),
  leftOut: [],
  notApplied: [],
};

const theirs = tripRuleOf(
  {
    detector: 1,
    gps_correction: true,
    min_satellites: 0,
    min_moving_speed_kmh: 5,
    min_stay_time_s: 120,
    max_messages_distance_m: 0,
    min_trip_time_s: 0,
    min_trip_distance_m: 2000,
  },
  rules().trip,
);

const cases: readonly [
  string,
  readonly ParityTrip[],
  readonly ParityTrip[],
  Partial<ParityFacts>,
  readonly (readonly string[])[],
][] = [
  ['the same', [trip(10, 20)], [trip(10, 20)], {}, [[]]],
  ['60 s and 1 % are equal', [trip(10, 20)], [trip(11, 19, 10.1)], {}, [[]]],
  ['more than 1 % is not', [trip(10, 20)], [trip(10, 20, 10.2)], {}, [['unexplained']]],
  ['61 s are not', [trip(10, 20)], [trip(10, 21 + 1 / 60)], {}, [['unexplained']]],
  [
    'other settings',
    [trip(10, 20)],
    [trip(10, 25)],
    { theirs },
    [['movement_source', 'stay_time']],
  ],
  [
    'ours joins two of theirs',
    [trip(10, 30)],
    [trip(10, 18), trip(22, 30)],
    {},
    [['joined_by_us'], ['joined_by_us']],
  ],
  [
    'ours splits one of theirs',
    [trip(10, 18), trip(22, 30)],
    [trip(10, 30)],
    {},
    [['split_by_us'], ['split_by_us']],
  ],
  ['theirs is too short for us', [], [trip(10, 12, 0.4)], {}, [['too_short_for_us']]],
  ['ours is too short for them', [trip(10, 12, 1)], [], { theirs }, [['too_short_for_provider']]],
  ['we have no positions', [], [trip(500, 520)], {}, [['no_positions']]],
  ['positions came too late', [], [trip(10, 20)], { notApplied: [15 * minute] }, [['not_applied']]],
  [
    'an impossible position was left out',
    [trip(10, 20)],
    [trip(10, 20, 90)],
    { leftOut: [15 * minute] },
    [['left_out']],
  ],
  ['the window cuts it', [trip(0, 20)], [trip(10, 20)], { from: 0 }, [['window_border']]],
  [
    'by odometer',
    [trip(10, 20)],
    [trip(10, 20, 10.3)],
    { ours: { ...rules().trip, distanceSource: 'odometer' } },
    [['distance_source']],
  ],
  ['nothing on either side', [], [], {}, []],
];
for (const [title, ours, others, wishes, expected] of cases) {
  test(`parity: ${title}`, () => {
    const rows = compareWithProvider(ours, others, { ...facts, ...wishes });
    assert.deepEqual(
      rows.map(({ reasons }) => reasons),
      expected,
    );
    for (const { isEqual, reasons } of rows) assert.equal(isEqual, reasons.length === 0);
  });
}
