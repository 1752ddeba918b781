import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fix, rules } from '../testing/fixes.ts';
import {
  advancePresences,
  openVisits,
  samePresences,
  type Presence,
  type Visit,
} from './visit-fold.ts';

const DAY = 86_400;

/** Folds a text: `i` inside, `o` outside, one fix a minute; a digit = so many days from the fix before to the next. */
function foldText(
  text: string,
  confirmFixes = 2,
  before: readonly Presence[] = [],
): { readonly lines: string[]; readonly presences: readonly Presence[] } {
  const given = rules();
  const ruled = { ...given, visit: { ...given.visit, confirmFixes } };
  const closed: Visit[] = [];
  let presences = before;
  let last = before.length === 0 ? undefined : fix({ t: -60, lat: 0, lon: 0.0001 });
  let t = 0;
  for (const letter of text) {
    if (letter >= '0' && letter <= '9') {
      t += Number(letter) * DAY - 60;
      continue;
    }
    const current = fix({ t, lat: 0, lon: 0.0001 });
    const zoneIds = letter === 'i' ? ['z'] : [];
    presences = advancePresences(last, presences, current, zoneIds, ruled, closed);
    last = current;
    t += 60;
  }
  const minute = (ms: number): number => (ms / 60_000) % 1440;
  const line = ({ status, entered, left, basis }: Visit): string => {
    const to = left === undefined ? '' : minute(left.time);
    return `${status} ${minute(entered.time)}-${to} by ${basis.inputs.count}`;
  };
  return { lines: [...closed, ...openVisits(presences, false)].map(line), presences };
}

const cases: readonly [string, string, number, readonly string[]][] = [
  [
    'entry and exit are confirmed by the second fix and dated to the first',
    'ooiiioo',
    2,
    ['LEFT 2-5 by 4'],
  ],
  ['one fix inside is no entry', 'ooioo', 2, []],
  ['one fix outside is no exit', 'ooiioii', 2, ['ENTERED 2- by 2']],
  ['what lies between entry and exit counts, outside or not', 'ooiioiiooo', 2, ['LEFT 2-7 by 6']],
  ['single fixes outside do not add up', 'ooiioioioi', 2, ['ENTERED 2- by 2']],
  ['single fixes inside do not add up', 'oioioi', 2, []],
  [
    'a unit that is inside at its first fix has no visit until it comes back',
    'iiooiioo',
    2,
    ['LEFT 4-6 by 3'],
  ],
  ['with one confirming fix every crossing counts', 'oiio', 1, ['LEFT 1-3 by 3']],
  ['five days of silence change nothing', 'oii5ioo', 2, ['LEFT 1-3 by 4']],
  [
    'more than five days end the visit at the last fix inside',
    'oiio6oo',
    2,
    ['UNKNOWN_EXIT 1-2 by 2'],
  ],
  [
    'after such a silence the first fix only sets the state',
    'oii6iioo',
    2,
    ['UNKNOWN_EXIT 1-2 by 2'],
  ],
  ['an entry that silence interrupts does not count', 'oi6oi', 2, []],
];
for (const [title, text, confirmFixes, expected] of cases) {
  test(title, () => {
    assert.deepEqual(foldText(text, confirmFixes).lines, expected);
  });
}

test('a zone that became known late only learns where the unit stands', () => {
  const unset: readonly Presence[] = [{ kind: 'unset', zoneId: 'z' }];
  assert.deepEqual(foldText('iioo', 2, unset).lines, []);
  assert.deepEqual(foldText('oiioo', 2, unset).lines, ['LEFT 1-3 by 3']);
});

test('presences are the same when they go on in the same way, whatever their order', () => {
  const one = foldText('oi').presences;
  const two = foldText('oii').presences;
  const unset: Presence = { kind: 'unset', zoneId: 'y' };
  assert.ok(samePresences(one, foldText('oi').presences));
  assert.ok(!samePresences(one, two));
  assert.ok(!samePresences(two, foldText('oiio').presences));
  assert.ok(samePresences([...one, unset], [unset, ...one]));
  assert.ok(!samePresences([unset], one));
});

test('a fix at the very threshold is within the dwell; so long a silence as is set confirms an exit', () => {
  const given = rules();
  const visit = { ...given.visit, dwellMs: 240_000, confirmSilenceMs: 300_000 };
  const run = (steps: readonly (readonly [number, boolean])[]): readonly Visit[] => {
    const closed: Visit[] = [];
    let presences: readonly Presence[] = [];
    let last = fix({ t: -60, lat: 0, lon: 0.0001 });
    for (const [t, isInside] of steps) {
      const current = fix({ t, lat: 0, lon: 0.0001 });
      const zones = isInside ? ['z'] : [];
      presences = advancePresences(last, presences, current, zones, { ...given, visit }, closed);
      last = current;
    }
    return [...closed, ...openVisits(presences, false)];
  };
  const inside = [0, 60, 120, 180, 240, 300].map((t) => [t, true] as const);
  const [open] = run(inside);
  assert.equal(open?.dwelled.inputs.count, 5);
  const statuses = (back: number): readonly string[] =>
    run([...inside, [360, false], [back, true], [back + 60, true]]).map(({ status }) => status);
  assert.deepEqual([statuses(659), statuses(660)], [['ENTERED'], ['LEFT', 'ENTERED']]);
});
