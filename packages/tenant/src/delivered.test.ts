import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDelivered, namedFields } from './delivered.ts';
import { loadTenant } from './load-tenant.ts';
import { mappingProblems } from './mapping-checks.ts';

const bay = new URL('../../../deploy/tenants/bay-cabs', import.meta.url).pathname;
const { model } = await loadTenant(bay);

function mappingOf(entity: string) {
  const mapping = model.mappings.find((candidate) => candidate.entity === entity);
  assert.ok(mapping, entity);
  return mapping;
}

test('what is wanted and mapped is delivered; a trip needs its mapping, an idling may do without', () => {
  const { events } = model;
  assert.equal(isDelivered(model, 'idle'), false, 'off in the file');
  const wanted = {
    ...model,
    events: { ...events, idle: 'detected', service_due: 'detected' },
  } as const;
  assert.equal(isDelivered(wanted, 'idle'), true);
  assert.equal(isDelivered(wanted, 'work_order'), true, 'by the event service_due');
  const unmapped = { ...wanted, mappings: [] };
  assert.equal(isDelivered(unmapped, 'idle'), false);
  assert.equal(isDelivered(unmapped, 'trip'), true, 'its mapping is missing, and that is said');
  assert.equal(isDelivered(wanted, 'nothing'), false);
});

test('the fields that a mapping takes are those of its row and of its amendments', () => {
  const named = namedFields(model, 'shift');
  assert.deepEqual(
    ['driver_id', 'moving_s', 'booked_business_date', 'vehicle_id'].map((field) =>
      named.has(field),
    ),
    [true, true, true, false],
  );
  assert.equal(namedFields(model, 'nothing').size, 0);
});

test('an amendment names what its row is about: a vehicle, or the driver of a shift', () => {
  for (const [entity, subject] of [
    ['idle', 'vehicle_id'],
    ['shift', 'driver_id'],
  ] as const) {
    const mapping = mappingOf(entity);
    assert.deepEqual(mappingProblems(mapping, 0), []);
    const { amendment } = mapping;
    assert.ok(amendment);
    const { [subject]: _subject, ...columns } = amendment.columns;
    const [problem] = mappingProblems({ ...mapping, amendment: { ...amendment, columns } }, 0);
    assert.equal(problem?.what, `amendments need a column from ${subject}, and there is none`);
  }
});

test('litres and time in motion have the same unit in row and amendment, or no sum', () => {
  const mapping = mappingOf('fuel_level');
  const volume = mapping.columns['volume_l'];
  assert.ok(volume);
  const columns = { ...mapping.columns, volume_l: { ...volume, multiply: 0.264 } };
  const [problem] = mappingProblems({ ...mapping, columns }, 0);
  assert.match(problem?.what ?? '', /^volume_l stands otherwise in the row/);
});
