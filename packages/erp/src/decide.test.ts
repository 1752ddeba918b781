import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  decide,
  effectiveOf,
  type AmendmentState,
  type CurrentState,
  type Decision,
  type NewVersion,
  type PeriodState,
  type RowState,
} from './decide.ts';

const nobody: CurrentState = { row: undefined, amendments: [] };
const absolutes = new Set(['start_time', 'end_time']);

function triple(revision: number) {
  return { revision, activation: 1, resolution: 1 };
}

function version(change: Partial<NewVersion> = {}): NewVersion {
  return {
    triple: triple(2),
    retracted: false,
    subject: 'V1',
    site: null,
    date: 'd1',
    sums: { distance_km: 1000 },
    ...change,
  };
}

function row(change: Partial<RowState> = {}): RowState {
  return { ...version(), triple: triple(1), withdrawn: false, changed: [], ...change };
}

function periods(states: Record<string, PeriodState>): (date: string | null) => PeriodState {
  return (date) => states[date ?? ''] ?? 'missing';
}

const open = periods({ d1: 'open', d2: 'open' });
const closed = periods({ d1: 'closed', d2: 'open' });

const cases: readonly [string, NewVersion, CurrentState, typeof open, string][] = [
  ['a new fact of an open day', version(), nobody, open, 'insert'],
  ['a new fact of a closed day', version(), nobody, closed, 'amend addition'],
  ['a day that the ERP does not know', version({ date: 'd9' }), nobody, open, 'manual'],
  ['a withdrawal of nothing', version({ retracted: true }), nobody, open, 'nothing'],
  [
    'an older version',
    version({ triple: triple(0) }),
    { ...nobody, row: row() },
    open,
    'superseded',
  ],
  [
    'the same version',
    version({ triple: triple(1) }),
    { ...nobody, row: row() },
    open,
    'duplicate',
  ],
  ['no difference', version(), { ...nobody, row: row() }, open, 'touch'],
  [
    'a difference on an open day',
    version(),
    { ...nobody, row: row({ changed: ['distance_km'] }) },
    open,
    'update',
  ],
  ['a withdrawal', version({ retracted: true }), { ...nobody, row: row() }, open, 'withdraw'],
  [
    'a withdrawn row that comes back',
    version(),
    { ...nobody, row: row({ withdrawn: true }) },
    open,
    'update',
  ],
  [
    'a difference on a closed day',
    version({ sums: { distance_km: 1500 } }),
    { ...nobody, row: row({ changed: ['distance_km'] }) },
    closed,
    'amend correction',
  ],
  [
    'only a time on a closed day',
    version(),
    { ...nobody, row: row({ changed: ['end_time'] }) },
    closed,
    'amend correction',
  ],
  [
    'only what amendments cannot carry, on a closed day',
    version(),
    { ...nobody, row: row({ changed: ['fix_count'] }) },
    closed,
    'nothing',
  ],
  [
    'another vehicle on a closed day',
    version({ subject: 'V2' }),
    { ...nobody, row: row({ changed: ['subject'] }) },
    closed,
    'amend reversal addition',
  ],
  [
    'a withdrawal on a closed day',
    version({ retracted: true }),
    { ...nobody, row: row() },
    closed,
    'amend reversal',
  ],
  [
    'an open row that moves into a closed day',
    version({ date: 'd1' }),
    { ...nobody, row: row({ date: 'd2' }) },
    closed,
    'amend addition',
  ],
];

function words(decision: Decision): string {
  if (decision.do !== 'amend') return decision.do;
  return ['amend', ...decision.entries.map(({ kind }) => kind)].join(' ');
}

for (const [name, next, current, period, expected] of cases) {
  test(`${name} → ${expected}`, () => {
    assert.equal(words(decide(next, current, period, absolutes)), expected);
  });
}

test('a record that was amended once is only amended, also when its day is open again', () => {
  const amendment: AmendmentState = {
    ...version({ sums: { distance_km: 500 } }),
    triple: triple(2),
    kind: 'correction',
    changed: [],
  };
  const current = { row: row(), amendments: [amendment] };
  const next = version({ triple: triple(3), sums: { distance_km: 1200 } });
  const decision = decide(next, current, open, absolutes);
  assert.equal(words(decision), 'amend correction');
  assert.ok(decision.do === 'amend');
  assert.deepEqual(decision.entries[0]?.sums, { distance_km: -300 });
});

/** Carries a decision out on a state, as the adapter does on tables. */
function carryOut(current: CurrentState, next: NewVersion, decision: Decision): CurrentState {
  const { amendments } = current;
  const withdrawn = { ...row(), ...current.row, triple: next.triple, withdrawn: true };
  switch (decision.do) {
    case 'insert':
    case 'update':
      return { row: row({ ...next, withdrawn: false }), amendments };
    case 'withdraw':
      return { row: withdrawn, amendments };
    case 'touch':
      return { row: row({ ...current.row, triple: next.triple }), amendments };
    case 'amend':
      return {
        row: decision.withdrawRow ? withdrawn : current.row,
        amendments: [
          ...amendments,
          ...decision.entries.map((entry) => ({ ...entry, triple: next.triple, changed: [] })),
        ],
      };
    default:
      return current;
  }
}

test('property: after every step the effective record is the newest version', () => {
  const step = fc.record({
    subject: fc.constantFrom('V1', 'V2'),
    date: fc.constantFrom('d1', 'd2', 'd3'),
    distance: fc.integer({ min: 0, max: 5 }),
    retracted: fc.boolean(),
    closes: fc.option(fc.constantFrom('d1', 'd2')),
    opens: fc.option(fc.constantFrom('d1', 'd2')),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
      const state: Record<string, PeriodState> = { d1: 'open', d2: 'open', d3: 'open' };
      let current = nobody;
      for (const [n, s] of steps.entries()) {
        const next = version({
          triple: triple(n + 1),
          subject: s.subject,
          date: s.date,
          sums: { distance_km: s.distance },
          retracted: s.retracted,
        });
        const seen = current.row && {
          ...current.row,
          changed: current.row.sums['distance_km'] === s.distance ? [] : ['distance_km'],
        };
        const moved = seen && (seen.subject !== s.subject || seen.date !== s.date);
        const compared = seen && { ...seen, changed: moved ? ['subject'] : seen.changed };
        const input = { ...current, row: compared };
        current = carryOut(current, next, decide(next, input, periods(state), absolutes));
        const effective = effectiveOf(current);
        if (s.retracted) {
          assert.equal(effective, undefined);
        } else {
          assert.deepEqual(
            [effective?.subject, effective?.date, effective?.sums['distance_km']],
            [s.subject, s.date, s.distance],
          );
        }
        if (s.closes !== null) state[s.closes] = 'closed';
        if (s.opens !== null) state[s.opens] = 'open';
      }
    }),
    { numRuns: 500 },
  );
});
