import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain, type ErpAnswer, type Facts } from './explain.ts';
import { explainMissing, type MissingFacts } from './explain-missing.ts';
import { checkIntervals, erpIdAt, sameIntervals } from './intervals.ts';

const row = { key: 'T-1', present: true, amendments: 0, triple: null, fields: {} };
const present: ErpAnswer = { state: 'present', row };
const absent: ErpAnswer = { state: 'absent' };

function delivery(
  outcome: string,
  revision = 3,
  reason: string | null = null,
): Facts['deliveries'][number] {
  return { outcome, revision, reason, attempts: 6, erp_table: 'trip', amendment_kind: null };
}

function facts(change: Partial<Facts>): Facts {
  return {
    entity: 'trip',
    revision: 3,
    retracted: false,
    deliveries: [],
    deadLetters: [],
    ids: [],
    erp: absent,
    ...change,
  };
}

const unmapped = {
  entity: 'vehicle' as const,
  telematics_id: 'wialon:8050',
  at_time: 1,
  erp_id: null,
  version: null,
};

const cases: readonly [string, Partial<Facts>, string, RegExp][] = [
  [
    'delivered',
    { erp: present, deliveries: [delivery('INSERTED')] },
    'in_erp',
    /stands in trip as row T-1$/,
  ],
  [
    'amended',
    {
      erp: { state: 'present', row: { ...row, amendments: 2 } },
      deliveries: [delivery('INSERTED', 2), delivery('AMENDED')],
    },
    'in_erp',
    /stands in trip as row T-1 with 2 amendments, because its day was closed$/,
  ],
  [
    'only booked as an amendment',
    {
      erp: { state: 'present', row: { ...row, amendments: 1 } },
      deliveries: [delivery('AMENDED')],
    },
    'in_erp',
    /is booked by 1 amendment of key T-1/,
  ],
  [
    'newer than its row',
    { erp: present, deliveries: [delivery('INSERTED', 2)] },
    'behind',
    /revision 3 was not delivered yet/,
  ],
  [
    'newer than its row and waiting',
    { erp: present, deliveries: [delivery('INSERTED', 2), delivery('WAITING', 3, 'x')] },
    'waiting',
    /shows an older version: its ids are mapped meanwhile/,
  ],
  [
    'unmapped',
    { deliveries: [delivery('WAITING', 3, 'vehicle')], ids: [unmapped] },
    'waiting',
    /no row: it waits for the ERP id of vehicle wialon:8050; map it to release/,
  ],
  [
    'mapped meanwhile',
    { deliveries: [delivery('WAITING', 3, 'vehicle wialon:1')] },
    'waiting',
    /will be released/,
  ],
  [
    'about an order that the ERP does not have',
    { entity: 'transport_order', deliveries: [delivery('WAITING', 3, 'ROW_MISSING')] },
    'waiting',
    /the ERP has no such record yet/,
  ],
  [
    'overtaken by a newer status',
    { entity: 'transport_order', erp: present, deliveries: [delivery('SUPERSEDED')] },
    'superseded',
    /shows something newer already/,
  ],
  [
    'for a person',
    { deliveries: [delivery('MANUAL', 3, 'PERIOD_MISSING')] },
    'manual',
    /PERIOD_MISSING/,
  ],
  [
    'given up',
    { deliveries: [delivery('DEAD_LETTERED', 3, 'EXHAUSTED')] },
    'dead_lettered',
    /after 6 attempts \(EXHAUSTED\)/,
  ],
  [
    'refused',
    { deadLetters: [{ service: 'erp-sink', code: 'VALUE_UNKNOWN', message: 'no word for it' }] },
    'dead_lettered',
    /erp-sink refused it \(VALUE_UNKNOWN: no word for it\)/,
  ],
  ['never delivered', {}, 'not_delivered', /no row yet: revision 3 was published/],
  [
    'removed by somebody',
    { deliveries: [delivery('UPDATED')] },
    'vanished',
    /delivered as UPDATED: somebody removed it/,
  ],
  [
    'withdrawn',
    { retracted: true, deliveries: [delivery('RETRACTED')] },
    'withdrawn',
    /was withdrawn/,
  ],
  [
    'withdrawn and not yet out of the ERP',
    { retracted: true, erp: present, deliveries: [delivery('INSERTED', 2)] },
    'behind',
    /older version/,
  ],
  [
    'delivered to an ERP that is away',
    { erp: { state: 'unavailable', reason: 'down' }, deliveries: [delivery('INSERTED')] },
    'unknown',
    /cannot be asked now \(down\)/,
  ],
];
for (const [title, change, state, text] of cases) {
  test(`an event that is ${title} is ${state}`, () => {
    const verdict = explain(facts(change));
    assert.equal(verdict.state, state);
    assert.match(verdict.text, text);
  });
}

const HOUR = 3_600_000;
function missing(change: Partial<MissingFacts>): string[] {
  const base: MissingFacts = {
    at: 10 * HOUR,
    fixes: 12,
    previous_end_time: null,
    complete_to_time: 20 * HOUR,
    tasks: [],
    deadLetters: [],
    silenceMs: 600_000,
  };
  return explainMissing({ ...base, ...change }).map(({ reason }) => reason);
}

test('what has no event is explained by how far the sources are read', () => {
  assert.deepEqual(missing({ complete_to_time: null }), ['nothing_read']);
  assert.deepEqual(missing({ complete_to_time: 9 * HOUR }), ['not_read_yet']);
  assert.deepEqual(missing({ complete_to_time: 10 * HOUR + 1 }), ['not_closed_yet']);
  assert.deepEqual(missing({}), ['no_movement']);
  assert.deepEqual(missing({ fixes: 0 }), ['no_positions']);
});

test('open tasks and refused messages are named before the positions', () => {
  const task = {
    kind: 'BEYOND_GRACE',
    status: 'OPEN',
    business_date: '2015-12-09',
    fix_count: 3,
    detail: 'x',
  };
  const letter = { service: 'transformer', code: 'POSITION_INVALID', message: 'latitude' };
  assert.deepEqual(
    missing({ tasks: [task, { ...task, status: 'DONE' }], deadLetters: [letter], fixes: 0 }),
    ['beyond_grace', 'dead_lettered', 'no_positions'],
  );
});

test('intervals are sorted and may touch; starts are inclusive, ends exclusive', () => {
  const a = { erp_id: 'A', valid_from_time: null, valid_to_time: 5 };
  const b = { erp_id: 'B', valid_from_time: 5, valid_to_time: null };
  assert.deepEqual(checkIntervals([b, a]), { intervals: [a, b] });
  assert.ok('problem' in checkIntervals([a, { ...b, valid_from_time: 4 }]));
  assert.ok('problem' in checkIntervals([a, { ...b, valid_from_time: null }]));
  assert.ok(sameIntervals([a, b], [a, { ...b }]));
  assert.ok(!sameIntervals([a, b], [a]));
  const mapping = {
    tenant_id: 't',
    entity: 'vehicle' as const,
    telematics_id: 'x',
    version: 1,
    deleted: false,
    intervals: [a, b],
  };
  assert.deepEqual(
    [4, 5].map((at) => erpIdAt(mapping, at)),
    ['A', 'B'],
  );
  assert.equal(erpIdAt(undefined, 1), null);
});
