import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import { dayOf, instantOf } from '@waybill/domain';
import { openApiDocument, readPushedEvents, webhookEvents, type Violation } from './index.ts';

const ajv = new Ajv2020({
  strict: false,
  allErrors: true,
  // 0.001 has no exact double: 10.001 / 0.001 is 10000.999999999998.
  multipleOfPrecision: 6,
  formats: {
    'date-time': (text: string) => instantOf(text) !== undefined,
    date: (text: string) => dayOf(text) !== undefined,
  },
});
ajv.addSchema(openApiDocument(), 'openapi');
const isBody = ajv.compile({ $ref: 'openapi#/components/schemas/Body' });

function isRead(value: unknown): boolean {
  const found: Violation[] = [];
  readPushedEvents(value, found);
  return found.length === 0;
}

const [location, trip, fuel, workOrder, geofence] = webhookEvents.map(
  ({ example }) => example as { event: string; id: string; data: Record<string, unknown> },
);
assert.ok(location && trip && fuel && workOrder && geofence);
const examples = [location, trip, fuel, workOrder, geofence];

for (const example of examples) {
  test(`the example of ${example.event} is valid by description and by contract`, () => {
    assert.ok(isBody(example), ajv.errorsText(isBody.errors));
    assert.ok(isRead(example));
  });
}

const texts = ['', 'x', 'a b', 'wialon:7001', 'é', '🚚', 'AED', 'aed', 'km', 'arrived', 'enter'];
const times = [
  ...['2025-10-29T14:01:00Z', '2025-10-29t14:01z', '2025-02-30T00:00:00Z', '2025-10-29'],
  ...['1969-12-31T23:59:59Z', '1761746460', '0', '00', '0000000000000001', '999999999999999999'],
];
const numbers = [0, -0, -1, 0.001, 0.0005, 10.001, 54, 90, 90.1, 400.5, 1e7, 1e15, 1e16, 1.0005];
const value = fc.oneof(
  fc.constantFrom<unknown>(...texts, ...times, ...numbers, null, true, [], {}),
  fc.string({ maxLength: 3 }),
  fc.integer({ min: -1000, max: 20_000_000 }).map((n) => n / 1000),
);

const rarely = fc.oneof(
  { weight: 9, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: value },
);

const near = fc
  .record({
    example: fc.constantFrom(...examples),
    changes: fc.array(
      fc.record({ name: fc.nat({ max: 6 }), inner: value, removed: fc.boolean() }),
      { maxLength: 2 },
    ),
    event: rarely,
    id: rarely,
  })
  .map(({ example, changes, event, id }) => {
    const data = { ...example.data };
    const names = [...Object.keys(data), 'meter_unit', 'work_order_id'];
    for (const { name, inner, removed } of changes) {
      const key = names[name % names.length] ?? 'ts';
      if (removed) delete data[key];
      else data[key] = inner;
    }
    return { event: event ?? example.event, id: id ?? example.id, data };
  });

test('what the description calls valid is what the door takes, and nothing else', () => {
  let valid = 0;
  fc.assert(
    fc.property(near, (event) => {
      const described = isBody(event);
      valid += described ? 1 : 0;
      assert.equal(isRead(event), described, ajv.errorsText(isBody.errors));
    }),
    { numRuns: 5000 },
  );
  assert.ok(valid > 500 && valid < 4500, `${valid} of 5,000 were valid: the samples say little`);
});

test('a batch is what the description says, ids apart', () => {
  const batches = fc.array(near, { maxLength: 4 });
  fc.assert(
    fc.property(batches, (events) => {
      const named = events.map((event, index) =>
        typeof event.id === 'string' && /^[\x20-\x7e]{1,250}$/.test(event.id)
          ? { ...event, id: `${index}${event.id}` }
          : event,
      );
      assert.equal(isRead(named), isBody(named));
    }),
  );
});
