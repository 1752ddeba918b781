import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { isFault } from '@waybill/fault';
import { resolveSecret, resolveSetting } from './secrets.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'secrets-'));
after(() => rmSync(dir, { recursive: true }));
mkdirSync(path.join(dir, 'bay-cabs'));
const file = path.join(dir, 'bay-cabs', 'wialon.json');

async function faultOf(reference: string, root: string | undefined = dir): Promise<string> {
  try {
    await resolveSecret(reference, root);
  } catch (error) {
    assert.ok(isFault(error));
    assert.equal(error.kind, 'misconfigured');
    assert.equal(error.cause, undefined);
    return `${error.code} ${error.message}`;
  }
  assert.fail('expected a fault');
}

test('a secret is read at each call, so rotation needs no restart', async () => {
  writeFileSync(file, '{"token":"one"}');
  assert.equal(await resolveSecret('secret://files/bay-cabs/wialon#token', dir), 'one');
  writeFileSync(file, '{"token":"two"}');
  assert.equal(await resolveSecret('secret://files/bay-cabs/wialon#token', dir), 'two');
});

test('a literal is refused and not repeated in the message', async () => {
  const text = await faultOf('geheim');
  assert.match(text, /^SECRET_LITERAL /);
  assert.doesNotMatch(text, /geheim/);
});

test('whatever is missing is named, never the content', async () => {
  writeFileSync(file, '{"token":"geheim","number":5}');
  writeFileSync(path.join(dir, 'broken.json'), '{"token":"geheim"');
  const cases: readonly (readonly [string, RegExp])[] = [
    ['secret://files/nowhere#token', /cannot be read \(ENOENT\)/],
    ['secret://files/bay-cabs/wialon#other', /no text in field other/],
    ['secret://files/bay-cabs/wialon#number', /no text in field number/],
    ['secret://files/broken#token', /not a JSON object/],
    ['secret://keychain/a#b', /no store called keychain/],
    ['secret://files/../secrets/a#b', /stay inside/],
    ['secret://files//etc/passwd#b', /stay inside/],
  ];
  for (const [reference, expected] of cases) {
    const text = await faultOf(reference);
    assert.match(text, /^SECRET_MISSING /);
    assert.match(text, expected);
    assert.doesNotMatch(text, /geheim/);
  }
});

test('without SECRETS_DIR a reference cannot be resolved', async () => {
  await assert.rejects(resolveSecret('secret://files/a#b', undefined), /SECRETS_DIR is not set/);
});

test('a setting may be plain or a reference', async () => {
  writeFileSync(file, '{"url":"postgres://x"}');
  assert.equal(await resolveSetting('secret://files/bay-cabs/wialon#url', dir), 'postgres://x');
  assert.equal(await resolveSetting('postgres://y', undefined), 'postgres://y');
});
