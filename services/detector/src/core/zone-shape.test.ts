import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { distanceM, type Coordinate } from '@waybill/domain';
import {
  between,
  crossingShare,
  depthM,
  holds,
  insideRing,
  problemOf,
  type Area,
  type AreaProblem,
} from './zone-shape.ts';

function at(latitude: number, longitude: number): Coordinate {
  return { latitude, longitude };
}

function area(wishes: Partial<Area>): Area {
  const always = { validFrom: -Infinity, validTo: Infinity };
  return { zoneId: 'z', shape: 'POLYGON', widthM: 0, points: [], ...always, ...wishes };
}

const square = [at(0, 0), at(0, 1), at(1, 1), at(1, 0)];
const circle = area({ shape: 'CIRCLE', widthM: 1000, points: [at(10, 10)] });

test('the even-odd rule leaves out the notch of a concave ring', () => {
  const notched = [at(0, 0), at(0, 4), at(4, 4), at(1, 2), at(4, 0)];
  assert.ok(insideRing(notched, at(0.5, 2)));
  assert.ok(!insideRing(notched, at(3, 2)));
  assert.ok(insideRing(notched, at(3, 0.3)));
});

test('a closed ring, first corner repeated, is the same ring', () => {
  for (const point of [at(0.5, 0.5), at(2, 0.5)]) {
    assert.equal(insideRing([...square, at(0, 0)], point), insideRing(square, point));
  }
});

const mistakes: readonly [string, Partial<Area>, AreaProblem | undefined][] = [
  ['a square has none', { points: square }, undefined],
  ['a closed square has none', { points: [...square, at(0, 0)] }, undefined],
  ['no points', {}, 'no_points'],
  ['two points', { points: [at(0, 0), at(1, 1)] }, 'two_points'],
  ['two points and the first again', { points: [at(0, 0), at(1, 1), at(0, 0)] }, 'two_points'],
  ['one point, three times', { points: [at(1, 1), at(1, 1), at(1, 1)] }, 'two_points'],
  ['a bow tie', { points: [at(0, 0), at(1, 1), at(0, 1), at(1, 0)] }, 'crosses_itself'],
  ['a latitude of 91', { points: [at(91, 0), at(0, 1), at(1, 1)] }, 'position_invalid'],
  ['a longitude that is no number', { points: [at(0, Number.NaN)] }, 'position_invalid'],
  ['a circle without radius', { shape: 'CIRCLE', points: [at(0, 0)] }, 'no_width'],
  ['a corridor of two points is one', { shape: 'CORRIDOR', widthM: 5, points: square }, undefined],
];
for (const [title, wishes, expected] of mistakes) {
  test(`mistakes of a shape: ${title}`, () => {
    assert.equal(problemOf(area(wishes)), expected);
  });
}

test('depth is the distance to the edge on both sides of it, for every shape', () => {
  const near = (found: number, expected: number): void =>
    assert.ok(Math.abs(found - expected) < expected * 0.01, `${found} m for ${expected} m`);
  near(depthM(area({ points: square }), at(0.5, 0.001)), 111.2);
  near(depthM(area({ points: square }), at(0.5, -0.001)), 111.2);
  near(depthM(circle, at(10, 10)), 1000);
  near(depthM(circle, at(10.02, 10)), 1223.9);
  const corridor = area({ shape: 'CORRIDOR', widthM: 200, points: [at(20, 20), at(20, 20.1)] });
  near(depthM(corridor, at(20, 20.05)), 100);
  near(depthM(corridor, at(20.002, 20.05)), 122.4);
});

test('a straight way crosses the edge where the share says', () => {
  const share = crossingShare(area({ points: square }), at(0.5, -1), at(0.5, 1));
  assert.ok(Math.abs(share - 0.5) < 1e-5);
  const out = crossingShare(circle, at(10, 10), at(10.02, 10));
  assert.ok(Math.abs(distanceM(at(10, 10), between(at(10, 10), at(10.02, 10), out)) - 1000) < 0.1);
});

test('the crossing lies on the edge of any ring', () => {
  const degrees = fc.integer({ min: -1000, max: 1000 }).map((value) => value / 1e4);
  const corner = fc.record({ latitude: degrees, longitude: degrees });
  fc.assert(
    fc.property(
      fc.array(corner, { minLength: 3, maxLength: 7 }),
      corner,
      corner,
      (points, a, b) => {
        const ring = area({ points });
        fc.pre(holds(ring, a) !== holds(ring, b));
        const found = between(a, b, crossingShare(ring, a, b));
        assert.ok(depthM(ring, found) < 0.1, `${depthM(ring, found)} m off the edge`);
      },
    ),
  );
});
