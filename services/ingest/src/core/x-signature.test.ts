import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkTime, parseSignature } from './x-signature.ts';

const a = 'a'.repeat(64);
const b = 'B'.repeat(64);

const refused: readonly (readonly [title: string, header: string])[] = [
  ['empty', ''],
  ['no time', `s=sha256=${a}`],
  ['no MAC', 't=1698570000'],
  ['a MAC of 63 digits', `t=1698570000,s=sha256=${a.slice(1)}`],
  ['a MAC of 65 digits', `t=1698570000,s=sha256=${a}0`],
  ['a MAC of another hash', `t=1698570000,s=sha512=${a}`],
  ['time twice', `t=1698570000,t=1698570000,s=sha256=${a}`],
  ['time as text', `t=abc,s=sha256=${a}`],
  ['time in milliseconds', `t=1698570000000,s=sha256=${a}`],
  ['negative time', `t=-1,s=sha256=${a}`],
  ['six MACs', `t=1698570000${`,s=sha256=${a}`.repeat(6)}`],
  ['a member without name', `t=1698570000,=x,s=sha256=${a}`],
  ['over a kilobyte', `t=1698570000,s=sha256=${a},x=${'y'.repeat(1000)}`],
];
for (const [title, header] of refused) {
  test(`a signature header is refused: ${title}`, () => {
    assert.equal(parseSignature(header), undefined);
  });
}

test('MACs are taken in either case, several, with blanks and unknown members between', () => {
  assert.deepEqual(parseSignature(`t=1698570000, s=sha256=${a}, v2=x ,s=sha256=${b},s=md5=1`), {
    t: '1698570000',
    macs: [a, 'b'.repeat(64)],
  });
});

test('the text of the time is kept: it is part of the signed bytes', () => {
  assert.equal(parseSignature(`t=0042,s=sha256=${a}`)?.t, '0042');
});

test('the tolerance holds both ways, to the second', () => {
  const now = 1_698_570_000_500;
  const cases = [
    [-301, 'too_old'],
    [-300, 'in_time'],
    [0, 'in_time'],
    [300, 'in_time'],
    [301, 'in_future'],
  ] as const;
  for (const [distance, expected] of cases) {
    assert.equal(checkTime(String(1_698_570_000 + distance), now, 300), expected, `${distance} s`);
  }
});
