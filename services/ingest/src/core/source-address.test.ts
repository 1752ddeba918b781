import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sourceAddress } from './source-address.ts';

const address = { tenantId: 'bay-cabs', sourceId: 'dispatch' };

test('a source is named by path, by header, or by both alike', () => {
  assert.deepEqual(sourceAddress('bay-cabs/dispatch', undefined), address);
  assert.deepEqual(sourceAddress(undefined, 'bay-cabs/dispatch'), address);
  assert.deepEqual(sourceAddress('bay-cabs/dispatch', 'bay-cabs/dispatch'), address);
});

test('two different sources, or something else, are none', () => {
  assert.equal(sourceAddress('bay-cabs/dispatch', 'hudson-waste/dispatch'), undefined);
  assert.equal(sourceAddress(undefined, undefined), undefined);
  for (const text of [
    '',
    'bay-cabs',
    'bay-cabs/',
    '/dispatch',
    'Bay/dispatch',
    'a/b/c',
    '../x/y',
  ]) {
    assert.equal(sourceAddress(undefined, text), undefined, text);
  }
});
