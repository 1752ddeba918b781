import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageJson, motionBetween, positionJson } from './message.ts';

const place = (t: number, lat: number, lon: number) => ({ t, lat, lon });

test('speed is distance over time, course the bearing of the step', () => {
  const cases = [
    { name: 'first fix', from: undefined, to: place(60, 40, -74), is: { speed: 0, course: 0 } },
    {
      name: 'north',
      from: place(0, 40, -74),
      to: place(60, 40.01, -74),
      is: { speed: 67, course: 0 },
    },
    {
      name: 'east',
      from: place(0, 40, -74),
      to: place(60, 40, -73.99),
      is: { speed: 51, course: 90 },
    },
    {
      name: 'south',
      from: place(0, 40, -74),
      to: place(60, 39.99, -74),
      is: { speed: 67, course: 180 },
    },
    {
      name: 'west',
      from: place(0, 40, -74),
      to: place(60, 40, -74.01),
      is: { speed: 51, course: 270 },
    },
    {
      name: 'standing',
      from: place(0, 40, -74),
      to: place(60, 40, -74),
      is: { speed: 0, course: 0 },
    },
    {
      name: 'frozen time',
      from: place(60, 40, -74),
      to: place(60, 40.01, -74),
      is: { speed: 0, course: 0 },
    },
    {
      name: 'silence',
      from: place(0, 40, -74),
      to: place(300, 39.99, -74),
      is: { speed: 0, course: 180 },
    },
    {
      name: 'glitch',
      from: place(0, 40, -74),
      to: place(10, 41, -74),
      is: { speed: 250, course: 0 },
    },
  ];
  for (const { name, from, to, is } of cases) assert.deepEqual(motionBetween(from, to), is, name);
});

test('a message is written as the provider writes it', () => {
  const position = positionJson(place(1, 40.68947, -74.08942), { speed: 6, course: 178 });
  assert.deepEqual(JSON.parse(messageJson(100, position, 160)), {
    t: 100,
    f: 1,
    tp: 'ud',
    pos: { y: 40.68947, x: -74.08942, z: 0, s: 6, c: 178, sc: 255 },
    i: 0,
    o: 0,
    lc: 0,
    rt: 160,
    p: {},
  });
});
