import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventTrace, LedgerEvent } from '@waybill/ledger';
import { createWhy, type Why } from './handle-why.ts';
import type { ControlStore, LedgerReader, Ports } from './ports.ts';
import { emptyLedger, model, ports } from './testing/fakes.ts';

const END = Date.parse('2015-12-10T04:40:00Z');

const event: LedgerEvent = {
  tenant_id: 'hudson-waste',
  event_id: 'e'.repeat(32),
  entity: 'trip',
  entity_id: 'T-1',
  unit: 'wialon:8002',
  revision: 3,
  retracted: false,
  cause: 'live',
  event_time: END,
  from_time: END - 600_000,
  to_time: END,
  provider_time: END,
  received_time: END,
  fact: { end_time: END },
  cause_address: { topic: 'wialon.page.raw.v1', partition: 0, offset: 7, index: 3 },
  first_address: null,
  last_address: null,
  versions: 1,
};

function trace(change: Partial<EventTrace> = {}): EventTrace {
  const cause = { address: event.cause_address, page: null };
  return {
    event,
    versions: [],
    cause,
    first_fix: null,
    last_fix: null,
    deliveries: [],
    dead_letters: [],
    ...change,
  };
}

const inserted: EventTrace['deliveries'][number] = {
  target: 'erp',
  revision: 3,
  activation: 1,
  resolution: 1,
  outcome: 'INSERTED',
  reason: null,
  attempts: 1,
  erp_table: 'fleetops.haul',
  erp_key: 'T-1',
  erp_vehicle_id: 'TRK-S-9',
  business_date: '2015-12-09',
  amendment_kind: null,
  changed_fields: [],
  received_time: END,
  delivered_time: END + 300,
};

const control = {
  model: async () => model,
  mapping: async () => ({
    tenant_id: 'hudson-waste',
    entity: 'vehicle',
    telematics_id: 'wialon:8002',
    version: 4,
    deleted: false,
    intervals: [{ erp_id: 'TRK-S-9', valid_from_time: null, valid_to_time: END + 1 }],
  }),
  telematicsIds: async () => ['wialon:8002'],
} as unknown as ControlStore;

async function why(
  query: string,
  ledger: Partial<LedgerReader>,
  change: Partial<Ports> = {},
): Promise<Why> {
  const route = createWhy(ports(control, { ledger: { ...emptyLedger, ...ledger }, ...change }));
  const { status, body } = await route(
    new URL(`/why?${query}`, 'http://localhost'),
    Buffer.alloc(0),
  );
  assert.equal(status, 200);
  return body as Why;
}

test('an event is followed to its row, with the id as of its time', async () => {
  const row = { key: 'T-1', present: true, amendments: 0, triple: null, fields: {} };
  const answer = await why(
    'trip=T-1&tenant=hudson-waste',
    { find: async () => [event], trace: async () => trace({ deliveries: [inserted] }) },
    { lookupErp: async () => row },
  );
  const [found] = answer.events;
  assert.deepEqual(found?.ids, [
    {
      entity: 'vehicle',
      telematics_id: 'wialon:8002',
      at_time: END,
      erp_id: 'TRK-S-9',
      version: 4,
    },
  ]);
  assert.deepEqual(found?.erp, { state: 'present', row });
  assert.deepEqual(found?.verdict, {
    state: 'in_erp',
    text: 'the trip stands in fleetops.haul as row T-1',
  });
});

test('an ERP that is away does not take the rest of the answer away', async () => {
  const { events } = await why(
    'trip=T-1',
    { find: async () => [event], trace: async () => trace({ deliveries: [inserted] }) },
    {
      lookupErp: async () => {
        throw new Error('connection refused');
      },
    },
  );
  assert.deepEqual(events[0]?.erp, {
    state: 'unavailable',
    reason: 'UNEXPECTED: connection refused',
  });
  assert.equal(events[0]?.verdict.state, 'unknown');
});

test('a vehicle of the ERP and an instant lead to the event of its unit', async () => {
  const asked: string[] = [];
  const { found } = await why('trip=TRK-S-9@2015-12-10T04:35:00Z&tenant=hudson-waste', {
    at: async (_tenant, unit, at) => {
      asked.push(`${unit} ${at}`);
      return [event];
    },
    trace: async () => trace(),
  });
  assert.equal(found, true);
  assert.deepEqual(asked, [`wialon:8002 ${Date.parse('2015-12-10T04:35:00Z')}`]);
});

test('an instant without event is answered with evidence', async () => {
  const answer = await why('trip=wialon:8002@2015-12-10T04:35:00Z&tenant=hudson-waste', {
    evidence: async () => ({ fixes: 0, previous_end_time: null, tasks: [], complete_to_time: END }),
  });
  assert.equal(answer.found, false);
  assert.deepEqual(
    answer.reasons.map(({ reason }) => reason),
    ['no_positions'],
  );
  assert.equal(answer.evidence?.unit, 'wialon:8002');
});

test('an unknown id says how to ask for what has no id', async () => {
  const { found, reasons } = await why('trip=4821', {});
  assert.equal(found, false);
  assert.match(reasons[0]?.text ?? '', /ask by unit and time instead: <unit>@<instant>/);
});
