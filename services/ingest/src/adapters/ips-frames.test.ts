import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';
import * as fc from 'fast-check';
import { IpsFrames, type IpsFrame } from './ips-frames.ts';

/** The compressed packets that the description of the protocol shows, and what it says is in them. */
const DESCRIBED = [
  ['FF1B00780153F65136D233B0CECC4DCDB4F673B476B4343602002FF404E6', '#L#2.0;imei;NA;A932'],
  [
    'FF76007801258CCB0AC24010043F26D77599DE9931ECF4C9D7351EF2050145024625F8FF9818EA540DD5CDB9290A4121' +
      '5CAB57BABA65AB652FEC28A55564B35A8517CA828AB02532FE86242BEC0E1C1FAF4020DD3EC33C4C5142330CBE1C79FA' +
      '6E9BC6F33DDFA7346E8AD8B9A7FEDAAF1DED78D21FEF7522F7',
    '#D#231012;153959;5354.49260;N;02731.44990;E;0;0;300;7;1.1;0;0;1,0,0,0;NA;ign:1:1,dparam:2:3.14159265,' +
      'tparam:3:lorem,iparam:1:-55,SOS:1:1;4BC3',
  ],
] as const;

function framesOf(chunks: readonly Buffer[]): string[] {
  const frames = new IpsFrames();
  const seen: string[] = [];
  for (const chunk of chunks) {
    frames.push(chunk);
    for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
      if (frame === 'too_long') return [...seen, frame];
      seen.push(textOf(frame));
    }
  }
  assert.equal(frames.isBegun, false);
  return seen;
}

function textOf({ bytes, isPacked }: IpsFrame): string {
  return isPacked ? inflateSync(bytes).toString() : bytes.toString();
}

test('packets are cut the same however their bytes arrive', () => {
  const all = Buffer.concat([
    Buffer.from('#P#\r\n'),
    ...DESCRIBED.map(([hex]) => Buffer.from(hex, 'hex')),
    Buffer.from(
      '#I#5;0;0;091025;120000;a;00\r\n\n\n#\r\n#P#\n#T#;0;1;00\r\n#T#e;2;1;00\r\n\xff\n',
      'latin1',
    ),
    Buffer.from('#P#\r\n'),
  ]);
  const expected = [
    '#P#',
    ...DESCRIBED.map(([, text]) => text),
    ...['#I#5;0;0;091025;120000;a;00', '#P#', '#T#;0;1;00', '#T#e;2;1;00', '#P#'],
  ];
  fc.assert(
    fc.property(fc.array(fc.nat({ max: all.length }), { maxLength: 30 }), (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), all.length];
      const chunks = at.slice(1).map((end, index) => all.subarray(at[index], end));
      assert.deepEqual(framesOf(chunks), expected);
    }),
  );
});

test('lines and blocks have an end', () => {
  assert.deepEqual(framesOf([Buffer.from('#D#'.padEnd(65_537, 'x'))]), ['too_long']);
  assert.deepEqual(framesOf([Buffer.from(`${'#D#'.padEnd(65_538, 'x')}\n`)]), ['too_long']);
  assert.equal(framesOf([Buffer.from(`${'#D#'.padEnd(65_536, 'x')}\r\n`)])[0]?.length, 65_536);
  assert.deepEqual(framesOf([Buffer.from('#I#1048577;0;0;1;1;a;00\n')]), ['too_long']);
});
