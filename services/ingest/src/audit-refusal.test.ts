import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditRow } from './audit-refusal.ts';

const request = {
  id: 'r-1',
  path: '../etc/passwd',
  pathSecret: 'geheim',
  headers: { 'x-signature': 'geheim' },
  body: Buffer.from('{}'),
  clientAddress: '203.0.113.9',
  clientCertificate: undefined,
};

test('a row holds nothing that a stranger could break the audit with, and no credential', () => {
  const detail = `CN=a\u0000b\n${'x'.repeat(9000)}`;
  const refusal = { kind: 'refused', code: 'UNAUTHENTICATED', detail } as const;
  const row = auditRow(request, refusal, 5);
  assert.match(row.detail ?? '', /^CN=a b x{490}/);
  assert.equal(row.detail?.length, 500);
  assert.deepEqual([row.tenant_id, row.source_id, row.reason], [null, null, 'unknown']);
  assert.ok(!JSON.stringify(row).includes('geheim'));
});
