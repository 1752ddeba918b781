import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readJson } from './body-json.ts';
import { limits } from './body-limits.ts';

function violationsOf(body: string | Uint8Array): readonly (readonly [string, string])[] {
  const read = readJson(Buffer.from(body));
  return read.kind === 'json' ? [] : read.violations.map(({ path, message }) => [path, message]);
}

const levels = (n: number): string => '['.repeat(n) + ']'.repeat(n);

const refused: readonly [string, string | Uint8Array, string, RegExp][] = [
  ['no bytes', '', '', /expected JSON/],
  ['no JSON', '{"a":1', '', /expected JSON, found other text at character 6/],
  ['typographic quotes', '{“a”:1}', '', /expected JSON/],
  ['a comment', '{"a":1} // b', '', /expected JSON/],
  ['a raw line break in a text', '{"a":"\n"}', '', /expected JSON/],
  ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), '', /expected UTF-8/],
  [
    'a surrogate in UTF-8 (CESU)',
    Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
    '',
    /expected UTF-8/,
  ],
  ['UTF-16', Buffer.from('{"a":1}', 'utf16le'), '', /expected JSON/],
  ['a byte order mark', '\ufeff{"a":1}', '', /byte order mark/],
  ['NUL in a text', '{"a":["x\\u0000"]}', 'a.0', /without NUL/],
  ['NUL in a name', '{"\\u0000":1}', '\0', /NUL, found one in the name/],
  ['half a surrogate pair', '{"a":"\\ud83d"}', 'a', /half a surrogate pair/],
  ['a name twice', '{"a":{"b":1,"b":1}}', 'a.b', /every name once/],
  ['2^53', '{"a":9007199254740992}', 'a', /2\^53 − 1.*9007199254740992/],
  ['1e300', '[1e300]', '0', /2\^53/],
  ['1e400', '[-1e400]', '0', /a double holds/],
  ['1e-400', '{"a":1e-400}', 'a', /a double holds/],
  ['18 significant digits', '{"a":0.123456789012345678}', 'a', /at most 17 significant digits/],
  ['33 levels', levels(limits.depth + 1), '', /at most 32 levels/],
  ['a million levels', '['.repeat(1_000_000), '', /at most 32 levels/],
  ['50,001 values', `[${'0,'.repeat(limits.values)}0]`, '', /at most 50000 values/],
  ['a text over the limit', JSON.stringify({ a: 'x'.repeat(65_537) }), 'a', /at most 65536/],
];
for (const [what, body, path, message] of refused) {
  test(`${what} is refused at "${path.replace('\0', 'NUL')}"`, () => {
    const [[where, why] = ['', '']] = violationsOf(body);
    assert.equal(where, path);
    assert.match(why, message);
  });
}

const taken: readonly [string, string][] = [
  ['the deepest', levels(limits.depth)],
  ['2^53 − 1', '[9007199254740991,-9007199254740991]'],
  ['a double as its printers write it', '[37.774929523456784,2.2250738585072014e-308]'],
  ['trailing and leading zeros', '[25.2048000000000000000,0.00000000000000000001]'],
  ['an exponent', '[1.5e3,0e5,-0]'],
  ['digits in a text', '{"imei":"123456789012345678901"}'],
  ['a pair of surrogates', '["\\ud83d\\ude9a"]'],
  ['an escaped backslash before u0000', '["\\\\u0000"]'],
  ['quotes, colons and brackets in texts', '{"a\\":{":"[,:\\\\","b":"}"}'],
  ['one name in two objects', '[{"a":1},{"a":1}]'],
  ['the name __proto__', '{"__proto__":{"a":1}}'],
  ['a text at the limit', JSON.stringify('x'.repeat(65_535))],
];
for (const [what, body] of taken) {
  test(`${what} is taken as JSON.parse does`, () => {
    assert.deepEqual(readJson(Buffer.from(body)), { kind: 'json', value: JSON.parse(body) });
  });
}

test('all places are listed, up to the limit', () => {
  const two = violationsOf('{"a":9007199254740993,"b":["\\ud800"],"c":{"d":1,"d":2}}');
  assert.deepEqual(
    two.map(([path]) => path),
    ['a', 'b.0', 'c.d'],
  );
  const many = violationsOf(`[${Array(3000).fill('1e999').join(',')}]`);
  assert.equal(many.length, limits.violations);
});
