import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineOf } from './line.ts';
import { judgedTable } from './table.ts';

const gap = {
  name: 'gap',
  by: 'closed_in_s',
  bars: [
    { figure: 'closed_in_s', atMost: 600 },
    { figure: 'messages_per_s', atLeast: 100 },
  ],
};

test('the line is the median run, with its spread and the bars it misses', () => {
  const runs = [700, 90, 610].map((closed_in_s) => ({ closed_in_s, messages_per_s: 100.004 }));
  assert.deepEqual(lineOf(gap, runs), {
    bench: 'wialon',
    case: 'gap',
    closed_in_s: 610,
    messages_per_s: 100,
    runs: 3,
    min_closed_in_s: 90,
    max_closed_in_s: 700,
    bars: ['closed_in_s <= 600', 'messages_per_s >= 100'],
    missed: ['closed_in_s <= 600'],
  });
});

test('a figure that was not measured misses its bar', () => {
  const line = lineOf(gap, [{ closed_in_s: 600 }]) as { missed: string[]; runs?: number };
  assert.deepEqual(line.missed, ['messages_per_s >= 100']);
  assert.equal(line.runs, undefined);
});

test('the table has a row per case', () => {
  const line = lineOf(gap, [{ closed_in_s: 6100, messages_per_s: 101 }]);
  assert.equal(
    judgedTable([line]).split('\n').at(-1),
    '| `gap` | closed_in_s 6,100, messages_per_s 101 | closed_in_s <= 600, messages_per_s >= 100 | closed_in_s <= 600 |',
  );
});
