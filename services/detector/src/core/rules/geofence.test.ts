import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GeofenceCrossed, SiteVisited } from '@waybill/contracts';
import { everyRule, fix } from '../../testing/fixes.ts';
import { crossingBetween } from '../crossing.ts';
import { detectAll } from '../detect-all.ts';
import type { Fix } from '../fix.ts';
import type { Rules, VisitRule } from '../rules.ts';
import { settle } from '../settle.ts';
import type { Unit } from '../unit.ts';
import type { Area } from '../zone-shape.ts';

const identity = { tenantId: 'bay-cabs', unit: 'wialon:7001' };

/** From 0 to 0.01 degree of latitude and longitude: 1,112 m each way. */
const square: Area = {
  zoneId: 'z',
  shape: 'POLYGON',
  widthM: 0,
  points: [
    { latitude: 0, longitude: 0 },
    { latitude: 0, longitude: 0.01 },
    { latitude: 0.01, longitude: 0.01 },
    { latitude: 0.01, longitude: 0 },
  ],
  validFrom: -Infinity,
  validTo: Infinity,
};

/** Fixes at (second, thousandths of a degree east), half way up the square. */
function at(...places: readonly (readonly [number, number])[]): Fix[] {
  return places.map(([t, lon]) => fix({ t, lat: 0.005, lon: lon / 1000 }));
}

function ruled(wishes: Partial<VisitRule> = {}, areas = [square]): Rules {
  const every = everyRule(areas);
  return { ...every, outlierSpeedKmh: Infinity, visit: { ...every.visit, ...wishes } };
}

interface Said {
  readonly lines: readonly string[];
  readonly crossings: readonly GeofenceCrossed[];
  readonly visits: readonly SiteVisited[];
}

function saidOf(messages: readonly { readonly type: string; readonly value: object }[]): Said {
  const crossings: GeofenceCrossed[] = [];
  const visits: SiteVisited[] = [];
  for (const { type, value } of messages) {
    if (type === 'GeofenceCrossed') crossings.push(value as GeofenceCrossed);
    if (type === 'SiteVisited') visits.push(value as SiteVisited);
  }
  const line = (event: GeofenceCrossed): string => {
    const exact = event.is_interpolated
      ? '~'
      : event.uncertainty_s === 0
        ? ''
        : `-${event.uncertainty_s}`;
    return `${event.retracted ? 'not ' : ''}${event.crossing} ${event.event_time / 1000}${exact}`;
  };
  return { lines: crossings.map(line), crossings, visits };
}

function detect(fixes: readonly Fix[], rules: Rules, clock = 100_000_000): Said {
  const { announcements } = detectAll(identity, fixes, rules, clock);
  return saidOf(announcements.map(({ message }) => message as { type: string; value: object }));
}

test('times are those of the edge on a straight way, to the millisecond, for entry and exit', () => {
  // The edges are at 0 and 10; a step of 10 takes 100 s.
  const { lines, crossings, visits } = detect(at([0, -5], [100, 5], [200, 8], [300, 18]), ruled());
  assert.deepEqual(lines, ['ENTERED 50~', 'LEFT 220~']);
  const [entered, left] = crossings;
  assert.ok(Math.abs((entered?.longitude ?? 1) - 0) < 1e-7);
  assert.ok(Math.abs((left?.longitude ?? 0) - 0.01) < 1e-7);
  assert.equal(left?.dwell_s, 170);
  assert.deepEqual(
    visits.map(({ entered_time, left_time, entered_is_interpolated }) => [
      entered_time,
      left_time,
      entered_is_interpolated,
    ]),
    [[50_000, 220_000, true]],
  );
});

test('after a longer silence the event says how much earlier it may have been', () => {
  const { lines } = detect(at([0, -5], [121, 5], [200, 8], [400, 18]), ruled());
  assert.deepEqual(lines, ['ENTERED 121-121', 'LEFT 400-200']);
});

test('with interpolation off the event is the first fix behind the edge', () => {
  const off = ruled({ interpolateMs: 0 });
  const { lines } = detect(at([0, -5], [100, 5], [200, 8], [300, 18]), off);
  assert.deepEqual(lines, ['ENTERED 100-100', 'LEFT 300-100']);
});

// 0.1 thousandth of a degree is 11 m: less than 20 m behind the edge.
const shallow: readonly (readonly [number, number])[] = [
  [0, -5],
  [10, 0.1],
  [20, -5],
  [30, -5],
];
const confirmations: readonly [
  string,
  Partial<VisitRule>,
  readonly (readonly [number, number])[],
  readonly string[],
][] = [
  ['one fix 11 m behind the edge confirms nothing', {}, shallow, []],
  [
    'one fix 20 m behind it does',
    {},
    [
      [0, -5],
      [10, 0.2],
      [20, -5],
      [30, -5],
    ],
    ['ENTERED 10', 'LEFT 20'],
  ],
  [
    'two fixes do',
    {},
    [
      [0, -5],
      [10, 0.1],
      [20, 0.1],
      [30, -5],
      [40, -5],
    ],
    ['ENTERED 10', 'LEFT 30'],
  ],
  [
    'so do 30 s, where three fixes are asked for',
    { confirmFixes: 3 },
    [
      [0, -5],
      [10, 0.1],
      [40, 0.1],
      [50, -5],
    ],
    ['ENTERED 10', 'LEFT 50'],
  ],
  [
    '29 s do not',
    { confirmFixes: 3 },
    [
      [0, -5],
      [10, 0.1],
      [39, 0.1],
      [50, -5],
    ],
    [],
  ],
  [
    'a silence of 5 min behind one fix does',
    {},
    [
      [0, -5],
      [10, 0.1],
      [310, -5],
    ],
    ['ENTERED 10', 'LEFT 310'],
  ],
  [
    'outside too: left when it fell silent, entered anew',
    { confirmDepthM: Infinity },
    [
      [0, -5],
      [10, 5],
      [20, 5],
      [30, -0.1],
      [400, 5],
      [410, 5],
    ],
    ['ENTERED 10', 'LEFT 30', 'ENTERED 400'],
  ],
];
for (const [title, wishes, places, expected] of confirmations) {
  test(`confirmation: ${title}`, () => {
    const { crossings } = detect(at(...places), ruled({ interpolateMs: 0, ...wishes }));
    const lines = crossings
      .toSorted((a, b) => a.event_time - b.event_time)
      .map((event) => `${event.crossing} ${event.event_time / 1000}`)
      .filter((line) => !line.startsWith('DWELLED'));
    assert.deepEqual(lines, expected);
  });
}

test('a stay over the threshold is said when T reaches it, once, and its length at exit', () => {
  const rules = ruled({ dwellMs: 600_000 });
  const inside = at([0, -5], [100, 5], [200, 5]);
  assert.deepEqual(detect(inside, rules, 649_999).lines, ['ENTERED 50~']);
  assert.deepEqual(detect(inside, rules, 650_000).lines, ['ENTERED 50~', 'DWELLED 650']);
  const left = detect([...inside, ...at([700, 5], [800, 15])], rules);
  assert.deepEqual(left.lines, ['ENTERED 50~', 'DWELLED 650', 'LEFT 750~']);
  assert.deepEqual(
    left.crossings.map(({ dwell_s }) => dwell_s),
    [null, 600, 700],
  );
});

/** How many fixes each point rests on, and the second of the newest one. */
function restsOf({ crossings }: Said): readonly (readonly [string, number, number | null])[] {
  return crossings.map(({ crossing, last_fix: { offset }, fix_count: count }) => [
    crossing,
    offset,
    count,
  ]);
}

test('a point rests on the fixes from the entry to what decided it, not on what happened to be known', () => {
  const fixes = [-5, 0.1, 0.1, 5, 5, 5, 5, 18].map((lon, i) =>
    fix({ t: 100 * i, lat: 0.005, lon: lon / 1000, offset: i }),
  );
  const rules = ruled({ dwellMs: 300_000, confirmFixes: 2 });
  const open = restsOf(detect(fixes.slice(0, 7), rules, 600_000));
  // Entered between the fixes at 0 and 100 s, confirmed by the one at 200 s.
  assert.deepEqual(open, [
    ['ENTERED', 2, 2],
    ['DWELLED', 3, 3],
  ]);
  assert.deepEqual(restsOf(detect(fixes, rules)), [...open, ['LEFT', 7, 7]]);
  const [entered, left] = [open[0], detect(fixes, rules).visits.at(-1)];
  const visits = detect(fixes.slice(0, 7), rules, 600_000).visits;
  assert.deepEqual(
    visits.map(({ last_fix: last, fix_count: count }) => ['ENTERED', last.offset, count]),
    [entered],
  );
  assert.deepEqual([left?.first_fix.offset, left?.last_fix.offset, left?.fix_count], [1, 7, 7]);
});

test('a fix more before what decided a point revises it, one behind it does not', () => {
  const rules = ruled({ dwellMs: 300_000 });
  const { unit } = detectAll(identity, at([0, -5], [100, 5], [600, 5]), rules, 700_000);
  const said = later(unit, at([590, 5]), rules).lines;
  assert.deepEqual(said, [], 'behind the threshold');
  assert.deepEqual(later(unit, at([200, 5]), rules).lines, ['DWELLED 350']);
});

test('a tenant of 5,000 zones: a drive enters and leaves exactly those on its way', () => {
  const squares = Array.from({ length: 5000 }, (_, i): Area => {
    const shift = { latitude: 0.02 * Math.floor(i / 100), longitude: 0.02 * (i % 100) };
    const points = square.points.map(({ latitude, longitude }) => ({
      latitude: latitude + shift.latitude,
      longitude: longitude + shift.longitude,
    }));
    return { ...square, zoneId: `z-${i}`, points };
  });
  // Eastwards through the tenth row of squares, a fix each 0.005 degrees.
  const fixes = Array.from({ length: 401 }, (_, i) =>
    fix({ t: 60 * i, lat: 0.205, lon: 0.005 * i - 0.0075 }),
  );
  const { visits } = detect(fixes, ruled({}, squares));
  assert.deepEqual(
    visits.map(({ geofence_id: id, status }) => `${id} ${status}`),
    Array.from({ length: 100 }, (_, i) => `z-${1000 + i} LEFT`),
  );
});

test('five days of silence lose a visit', () => {
  const { lines } = detect(at([0, -5], [100, 5], [200, 5]), ruled(), 700_000_000);
  assert.deepEqual(lines, ['ENTERED 50~', 'DWELLED 950', 'LOST 200']);
});

function later(unit: Unit, fixes: readonly Fix[], rules: Rules): Said {
  for (const each of fixes) unit.timeline.insert(each, rules);
  const arrivals = fixes.map((each) => ({ fix: each, receivedTime: each.time, isLate: true }));
  const occasion = { arrivals, clock: 400_000, progress: undefined, binding: undefined };
  const messages = settle(unit, rules, occasion).flatMap((decision) =>
    decision.kind === 'publish' ? decision.announcements.map(({ message }) => message) : [],
  );
  return saidOf(messages as { type: string; value: object }[]);
}

test('a late fix moves a crossing: another point, the old one is withdrawn', () => {
  const rules = ruled();
  const { unit } = detectAll(identity, at([0, -5], [100, 5], [200, 5]), rules, 300_000);
  assert.deepEqual(later(unit, at([90, -1]), rules).lines, ['not ENTERED 50~', 'ENTERED 91.667~']);
});

test('a zone that was edited between two fixes is left at the later one', () => {
  const before = { ...square, validTo: 250_000 };
  const moved = {
    ...square,
    points: square.points.map((p) => ({ ...p, latitude: p.latitude + 1 })),
  };
  const rules = ruled({}, [before, { ...moved, validFrom: 250_000 }]);
  const { lines } = detect(at([0, -5], [100, 5], [200, 5], [300, 5], [400, 5]), rules);
  assert.deepEqual(lines, ['ENTERED 50~', 'LEFT 300-100']);
});

test('an edit never changes yesterday', () => {
  const rules = ruled({}, [{ ...square, validFrom: -Infinity, validTo: 1_000_000 }]);
  const { lines } = detect(at([0, -5], [100, 5], [200, 8], [300, 18]), rules);
  assert.deepEqual(lines, ['ENTERED 50~', 'LEFT 220~']);
});

test('where a unit is in private mode is nobody’s business', () => {
  const fixes = at([0, -5], [100, 5], [200, 5]).map((each) => ({ ...each, isPrivate: true }));
  assert.deepEqual(detect(fixes, ruled()).lines, []);
});

test('between two private places no crossing is interpolated', () => {
  const outside = fix({ t: 0, lat: 0.005, lon: -0.005, signals: { is_private: true } });
  const inside = fix({ t: 60, lat: 0.005, lon: 0.005, signals: { is_private: true } });
  const open = fix({ t: 0, lat: 0.005, lon: -0.005 });
  const rule = ruled();
  assert.equal(crossingBetween(outside, inside, 'z', rule).isInterpolated, false);
  assert.equal(crossingBetween(open, inside, 'z', rule).isInterpolated, true);
});
