import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { isFault } from '@waybill/fault';
import { until } from '@waybill/testkit';
import { errors, exportJWK, generateKeyPair, type JWK, type JWTVerifyGetKey } from 'jose';
import { issuerKeys } from './issuer-keys.ts';

const MINUTE = 60_000;
const { publicKey } = await generateKeyPair('ES256');
const jwk = await exportJWK(publicKey);

/** An issuer whose key ids, presence and requests the test holds in its hands. */
interface FakeIssuer {
  now: number;
  asked: number;
  kids: string[];
  answer: (() => Response) | undefined;
}

let issuer: FakeIssuer;
let keys: JWTVerifyGetKey;

beforeEach(() => {
  issuer = { now: 1_700_000_000_000, asked: 0, kids: ['one'], answer: undefined };
  const published = (): JWK[] => issuer.kids.map((kid) => ({ ...jwk, kid, alg: 'ES256' }));
  keys = issuerKeys('https://issuer.example/jwks', {
    fetch: async () => {
      issuer.asked += 1;
      return issuer.answer === undefined ? Response.json({ keys: published() }) : issuer.answer();
    },
    logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    now: () => issuer.now,
  });
});

const key = async (kid: string): Promise<unknown> =>
  keys({ alg: 'ES256', kid }, { payload: '', signature: '' });
const isUnknown = (error: unknown): boolean => error instanceof errors.JWKSNoMatchingKey;
const isAway = (error: unknown): boolean =>
  isFault(error) && error.kind === 'transient' && error.code === 'ISSUER_UNREACHABLE';
const gone = (): Response => {
  throw new TypeError('fetch failed');
};

test('many tokens at once ask the issuer once', async () => {
  await Promise.all(Array.from({ length: 50 }, () => key('one')));
  assert.equal(issuer.asked, 1);
});

test('made-up key ids ask the issuer at most every 30 s, and a rotated one works then', async () => {
  await key('one');
  for (let n = 0; n < 100; n += 1) {
    issuer.now += 1000;
    await assert.rejects(key(`made-up-${n}`), isUnknown);
  }
  assert.ok(issuer.asked <= 1 + 4, `asked ${issuer.asked} times in 100 s`);
  issuer.kids.push('two');
  issuer.now += 30_000;
  assert.ok(await key('two'));
});

test('keys older than ten minutes work on while newer ones are fetched', async () => {
  await key('one');
  issuer.kids = ['two'];
  issuer.now += 11 * MINUTE;
  assert.ok(await key('one'));
  await until('the newer keys to be there', async () => (await key('two').catch(() => 0)) !== 0);
  assert.equal(issuer.asked, 2);
  await assert.rejects(key('one'), isUnknown);
});

test('while the issuer is away its last keys work for an hour, then nothing does', async () => {
  await key('one');
  issuer.answer = gone;
  issuer.now += 59 * MINUTE;
  assert.ok(await key('one'));
  issuer.now += 2 * MINUTE;
  await assert.rejects(key('one'), isAway);
  issuer.answer = undefined;
  issuer.now += 2000;
  assert.ok(await key('one'));
});

for (const [what, answer] of [
  ['is away', gone],
  ['answers 500', () => new Response('', { status: 500 })],
  ['answers no JSON', () => new Response('<html>')],
  ['answers no key set', () => Response.json({ keys: 'none' })],
  ['answers more than we want to read', () => new Response('x'.repeat(300_000))],
] as const) {
  test(`an issuer that ${what} leaves nothing to decide with`, async () => {
    issuer.answer = answer;
    await assert.rejects(key('one'), isAway);
    // A second later it is asked again, not before.
    await assert.rejects(key('one'), isAway);
    assert.equal(issuer.asked, 1);
    issuer.answer = undefined;
    issuer.now += 1000;
    assert.ok(await key('one'));
  });
}
