import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clientAddress, networks, trustedProxies, guessingNetwork } from './allowlist.ts';

const cases: readonly (readonly [entry: string, address: string, allowed: boolean])[] = [
  ['203.0.113.7', '203.0.113.7', true],
  ['203.0.113.7', '203.0.113.8', false],
  ['203.0.113.0/24', '203.0.113.255', true],
  ['203.0.113.0/24', '203.0.114.0', false],
  ['203.0.113.0/24', '::ffff:203.0.113.9', true],
  ['::ffff:203.0.113.9', '203.0.113.9', true],
  ['0.0.0.0/0', '198.51.100.1', true],
  ['0.0.0.0/0', '2001:db8::1', false],
  ['2001:db8::/32', '2001:db8:1::9', true],
  ['2001:db8::/32', '2001:db9::1', false],
  ['2001:DB8:0:0::1', '2001:db8::1', true],
  ['203.0.113.0/33', '203.0.113.1', false],
  ['203.0.113.0/x', '203.0.113.1', false],
  ['nonsense', '203.0.113.1', false],
  ['203.0.113.0/24', 'nonsense', false],
  ['203.0.113.0/24', '', false],
  // Other ways to write an address, which only serve to deceive.
  ['127.0.0.1', '0x7f.0.0.1', false],
  ['127.0.0.1', '127.1', false],
  ['127.0.0.1', '2130706433', false],
];
for (const [entry, address, allowed] of cases) {
  test(`${entry} ${allowed ? 'allows' : 'does not allow'} "${address}"`, () => {
    assert.equal(networks([entry])(address), allowed);
  });
}

test('an empty list allows nobody', () => assert.equal(networks([])('203.0.113.1'), false));

const hops: readonly (readonly [remote: string, forwarded: string | undefined, client: string])[] =
  [
    ['203.0.113.9', undefined, '203.0.113.9'],
    ['::ffff:203.0.113.9', undefined, '203.0.113.9'],
    ['203.0.113.9', '6.6.6.6', '203.0.113.9'],
    ['10.0.0.1', undefined, '10.0.0.1'],
    ['10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['10.0.0.1', '6.6.6.6, 203.0.113.9', '203.0.113.9'],
    ['10.0.0.1', '6.6.6.6, 203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['10.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
    ['10.0.0.1', '[2001:db8::7]:4711', '2001:db8::7'],
    ['10.0.0.1', '203.0.113.9, unknown', ''],
    ['10.0.0.1', '', '10.0.0.1'],
  ];
for (const [remote, forwarded, client] of hops) {
  test(`${remote} saying "${forwarded}" speaks for "${client}"`, () => {
    assert.equal(clientAddress(remote, forwarded, networks(['10.0.0.0/8'])), client);
  });
}

test('nobody can lend himself an address through a proxy: what he adds stands left of his own', () => {
  const isTrusted = networks(['10.0.0.0/8']);
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string())), (forged) => {
      const forwarded = [...forged.map((hop) => hop.replaceAll(',', '')), '203.0.113.9'].join(', ');
      return clientAddress('10.0.0.1', forwarded, isTrusted) === '203.0.113.9';
    }),
  );
});

test('a typo among the trusted proxies stops the start', () => {
  assert.equal(trustedProxies(['none'])('127.0.0.1'), false);
  assert.equal(trustedProxies(['127.0.0.1', '::1'])('::1'), true);
  assert.throws(() => trustedProxies(['127.0.0.1', 'lcoalhost']), /found lcoalhost/);
});

test('guesses are counted per v4 address and per v6 subscriber', () => {
  assert.equal(guessingNetwork('192.0.2.1'), '192.0.2.1');
  assert.equal(guessingNetwork('2001:db8::1'), guessingNetwork('2001:db8::ffff:1'));
  assert.notEqual(guessingNetwork('2001:db8::1'), guessingNetwork('2001:db8:0:1::1'));
  assert.equal(guessingNetwork(''), '');
});
