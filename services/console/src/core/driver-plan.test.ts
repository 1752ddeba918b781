import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IdMapped } from '@waybill/contracts';
import { resolvePlan, type PlannedDriver } from './driver-plan.ts';

type Bounds = readonly [from: number | null, to: number | null];

function mapped(
  entity: IdMapped['entity'],
  telematicsId: string,
  erpId: string,
  [from, to]: Bounds = [null, null],
): IdMapped {
  return {
    ...{ tenant_id: 'bay-cabs', entity, telematics_id: telematicsId, version: 1, deleted: false },
    intervals: [{ erp_id: erpId, valid_from_time: from, valid_to_time: to }],
  };
}

function plan(change: Partial<PlannedDriver> = {}): PlannedDriver {
  return {
    ...{ vehicleId: 'CAB-1', driver: 'DRV-7', fromTime: 100, toTime: 200, orderId: 'O-1' },
    ...change,
  };
}

const driver = mapped('driver', 'D-42', 'DRV-7');

function shown(rows: readonly PlannedDriver[], ids: readonly IdMapped[], is: 'id' | 'code' = 'id') {
  const { units, unmapped } = resolvePlan(rows, ids, is);
  const intervals = [...units].map(([unit, of]) => [
    unit,
    ...of.map((each) => [each.valid_from_time, each.valid_to_time, each.driver_code]),
  ]);
  return { intervals, unmapped: [...unmapped] };
}

test('a tracker that moves within a plan takes its share of it', () => {
  const ids = [
    driver,
    mapped('vehicle', 'wialon:1', 'CAB-1', [null, 150]),
    mapped('vehicle', 'wialon:2', 'CAB-1', [150, null]),
    mapped('vehicle', 'wialon:3', 'CAB-1', [200, null]),
  ];
  assert.deepEqual(shown([plan()], ids), {
    intervals: [
      ['wialon:1', [100, 150, 'D-42']],
      ['wialon:2', [150, 200, 'D-42']],
    ],
    unmapped: [],
  });
});

test('an open plan stays open, and plans of a unit are in order of their start', () => {
  const ids = [driver, mapped('vehicle', 'wialon:1', 'CAB-1')];
  const rows = [plan({ fromTime: 300, toTime: null }), plan()];
  assert.deepEqual(shown(rows, ids).intervals, [
    ['wialon:1', [100, 200, 'D-42'], [300, null, 'D-42']],
  ]);
});

test('who has no code at the start of the plan, and what has no unit, is named', () => {
  const ids = [
    mapped('driver', 'D-42', 'DRV-7', [null, 100]),
    mapped('vehicle', 'wialon:1', 'CAB-1'),
    { ...mapped('vehicle', 'wialon:9', 'CAB-9'), deleted: true },
  ];
  const rows = [plan(), plan({ vehicleId: 'CAB-9' })];
  assert.deepEqual(shown(rows, ids), {
    intervals: [],
    unmapped: ['driver DRV-7', 'vehicle CAB-9'],
  });
});

test('codes of drivers are taken as they are, when a message could carry them', () => {
  const ids = [mapped('vehicle', 'wialon:1', 'CAB-1')];
  const rows = [plan({ driver: 'D-9' }), plan({ driver: 'not a code' })];
  assert.deepEqual(shown(rows, ids, 'code'), {
    intervals: [['wialon:1', [100, 200, 'D-9']]],
    unmapped: ['driver not a code'],
  });
});

test('of very many plans of a unit the newest stay', () => {
  const rows = Array.from({ length: 1_200 }, (_, i) => plan({ fromTime: i, toTime: i + 1 }));
  const { units } = resolvePlan(rows, [driver, mapped('vehicle', 'wialon:1', 'CAB-1')], 'id');
  const intervals = units.get('wialon:1') ?? [];
  assert.deepEqual([intervals.length, intervals[0]?.valid_from_time], [1_000, 200]);
});
