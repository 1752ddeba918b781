import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ipsMessages, ipsPacket, readIpsMessage, type IpsMessage } from './index.ts';

/** A recorded packet of a tracker that sends what a retranslator sends. */
const RECORDED =
  '#D#161216;105402;3025.0725;N;09739.9918;W;14;0;NA;NA;NA;NA;NA;;NA;route:3:801,trip:3:1689128;E01F';

function packetOf(line: string): NonNullable<ReturnType<typeof ipsPacket>> {
  const packet = ipsPacket(Buffer.from(line));
  assert.ok(packet, line);
  return packet;
}

function messageOf(text: string): IpsMessage {
  const read = readIpsMessage(text);
  assert.ok(read.kind === 'message', JSON.stringify(read));
  return read.message;
}

test('a recorded data packet is read with its time, place and parameters', () => {
  const packet = packetOf(RECORDED);
  assert.equal(packet.isIntact, true);
  const [text = ''] = ipsMessages(packet);
  assert.deepEqual(messageOf(text), {
    seconds: Date.UTC(2016, 11, 16, 10, 54, 2) / 1000,
    latitude: 30 + 25.0725 / 60,
    longitude: -(97 + 39.9918 / 60),
    speedKmh: 14,
    courseDeg: 0,
    altitudeM: null,
    satellites: null,
    inputs: null,
    outputs: null,
    parameters: { route: '801', trip: '1689128' },
  });
});

test('a packet whose bytes changed on the way is not intact, whatever changed', () => {
  for (const broken of [
    RECORDED.replace('3025', '3026'),
    RECORDED.replace('E01F', 'E01E'),
    RECORDED.replace('E01F', ''),
    RECORDED.replace('E01F', 'XYZ'),
    `${RECORDED}0`,
  ]) {
    assert.equal(packetOf(broken).isIntact, false, broken);
  }
  assert.equal(packetOf('#L#2.0;350000000005014;NA;9b2').isIntact, true, 'zeros and case are free');
  for (const none of ['', 'D#1', '#D', '#data#1', 'GET / HTTP/1.1']) {
    assert.equal(ipsPacket(Buffer.from(none)), undefined, none);
  }
});

test('messages come in a short and a full form, with every field that a device may leave out', () => {
  const packet = packetOf(
    '#B#161216;105402;3025.0725;N;09739.9918;W;14;0;300;9|NA;NA;NA;NA;NA;NA;NA;NA;NA;NA;1.5;5;0;1.25,NA,3;FF01;a:1:-2,b:2:1.5e3,c:3:x:y|0000',
  );
  const [short = '', full = ''] = ipsMessages(packet);
  assert.equal(messageOf(short).satellites, 9);
  assert.deepEqual(messageOf(full), {
    seconds: null,
    latitude: null,
    longitude: null,
    speedKmh: null,
    courseDeg: null,
    altitudeM: null,
    satellites: null,
    inputs: 5,
    outputs: 0,
    parameters: { hdop: 1.5, adc1: 1.25, adc3: 3, avl_driver: 'FF01', a: -2, b: 1500, c: 'x:y' },
  });
  assert.equal(messageOf('161216;105402.5;NA;NA;NA;NA;1;2;3;4').seconds, 1_481_885_642.5);
});

test('what cannot be read is told by the number that the protocol has for it', () => {
  const fields = '161216;105402;3025.0725;N;09739.9918;W;14;0;300;9;1;0;0;1.5;NA;a:1:2'.split(';');
  const answers: readonly [number, string, number][] = [
    [0, '320116', 0],
    [0, '310216', 0],
    [1, '245959', 0],
    [1, 'NA', 0],
    [2, '9100.0000', 10],
    [2, '3060.0000', 10],
    [2, 'x', 10],
    [3, 'E', 10],
    [4, '18100.0', 10],
    [6, 'fast', 11],
    [7, '-', 11],
    [8, '1m', 11],
    [9, 'many', 12],
    [10, 'x', 12],
    [11, 'x', 13],
    [12, 'x', 13],
    [13, '1,x', 14],
    [15, 'a', 15],
    [15, 'a:4:1', 15],
    [15, 'a:1:one', 15],
  ];
  for (const [at, text, answer] of answers) {
    const read = readIpsMessage(fields.with(at, text).join(';'));
    assert.equal(read.kind === 'malformed' && read.answer, answer, `${at}: ${text}`);
  }
  const noPlace = fields.with(2, 'NA').with(3, 'NA').join(';');
  const half = readIpsMessage(noPlace);
  assert.equal(half.kind === 'malformed' && half.answer, 10, 'half a place is none');
  for (const count of [0, 1, 9, 11, 15]) {
    const read = readIpsMessage(fields.slice(0, count).join(';'));
    assert.equal(read.kind === 'malformed' && read.answer, -1, `${count} fields`);
  }
});
