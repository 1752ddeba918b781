import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TenantConfigured } from '@waybill/contracts';
import { isFault } from '@waybill/fault';
import { checkModel, loadTenant, readTenant, toDocument } from './index.ts';

const { model } = await loadTenant(new URL('../testdata/valid', import.meta.url).pathname);

function configured(change: Partial<TenantConfigured> = {}): TenantConfigured {
  const { document, sha256 } = toDocument(model);
  return {
    tenant_id: model.tenant_id,
    version: 3,
    applied_time: 0,
    applied_by: 'test',
    document,
    document_sha256: sha256,
    ...change,
  };
}

test('a model that travelled as a document comes back equal', () => {
  assert.deepEqual(readTenant(configured()), model);
});

test('the document does not depend on the order of keys', () => {
  const { erp, ...rest } = model;
  assert.deepEqual(toDocument({ erp, ...rest }), toDocument(model));
});

const refusals: readonly [string, Partial<TenantConfigured>, RegExp][] = [
  ['a damaged hash', { document_sha256: '0'.repeat(64) }, /version 3 does not have the hash/],
  ['another tenant', { tenant_id: 'somebody-else' }, /is about valid-haulage/],
];
for (const [title, change, expected] of refusals) {
  test(`a document is refused for ${title}`, () => {
    assert.throws(
      () => readTenant(configured(change)),
      (error) => isFault(error) && error.code === 'TENANT_INVALID' && expected.test(error.message),
    );
  });
}

test('a model without files is checked by the same rules, with paths for places', () => {
  const wrong = { ...model, company: { ...model.company, zone: 'Mars/Olympus' } };
  assert.throws(() => checkModel(wrong), /document company\.zone: expected an IANA time zone/);
  assert.throws(() => checkModel('text'), /expected object, found a string/);
});
