import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WebhookSource } from '@waybill/tenant';
import type { WebhookRequest } from './http-server.ts';
import { signatureCheck } from './signature.ts';

const source: WebhookSource = {
  source_id: 'dispatch',
  kind: 'webhook',
  scheme: 'waybill-hmac',
  secrets: {},
  tolerance_s: 300,
};
const request: WebhookRequest = {
  id: 'r',
  path: undefined,
  pathSecret: undefined,
  headers: { 'x-signature': `t=1698570000,s=sha256=${'0'.repeat(64)}` },
  body: Buffer.from('{}'),
  clientAddress: '192.0.2.1',
  clientCertificate: undefined,
};

async function reasonWith(unreadable: number): Promise<unknown> {
  const check = signatureCheck({
    secretsOf: async () => ({ secrets: [], unreadable }),
    logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  });
  const result = await check(request, source, 1698570000_000);
  return result.kind === 'refused' ? [result.code, result.reason] : result;
}

test('without any secret nothing is right', async () => {
  assert.deepEqual(await reasonWith(0), ['UNAUTHENTICATED', 'secret_missing']);
});

test('a secret that cannot be read may be the right one: the sender should repeat', async () => {
  assert.deepEqual(await reasonWith(1), ['UNAVAILABLE', 'secret_unreadable']);
});
