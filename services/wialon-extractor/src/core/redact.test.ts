import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shortHash } from '@waybill/domain';
import { redact } from './redact.ts';

const print = (secret: string): string => `sha256:${shortHash(secret)}`;
const redacted = (text: string, secrets: readonly string[] = []): string =>
  redact(Buffer.from(text), secrets).toString();

test('secrets are replaced where answers and addresses name them, and wherever known ones stand', () => {
  assert.equal(redacted('{"eid":"e1","tm":5}'), `{"eid":"${print('e1')}","tm":5}`);
  assert.equal(redacted('{"th" : "t'), `{"th" : "${print('t')}`, 'cut in the middle of one');
  assert.equal(redacted('<a href="?sid=abc&x=1">'), `<a href="?sid=${print('abc')}&x=1">`);
  assert.equal(redacted('no session known-sid', ['known-sid']), `no session ${print('known-sid')}`);
  const both = redacted('{"sid":"known-sid"}', ['known-sid', '']);
  assert.equal(both, `{"sid":"${print('known-sid')}"}`, 'once is enough');
});

test('all other bytes stay, text or not', () => {
  const bytes = Buffer.from([0x1f, 0x8b, 0xff, 0x00, 0xe9, 0x22]);
  assert.equal(redact(bytes, ['x']), bytes);
  const mixed = Buffer.concat([bytes, Buffer.from('sid=abc')]);
  assert.deepEqual(redact(mixed, []).subarray(0, 6), bytes);
  assert.equal(
    redacted('{"inside":"sid","p":{"presid":"a"}}'),
    '{"inside":"sid","p":{"presid":"a"}}',
  );
});
