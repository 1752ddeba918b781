import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Coordinate } from '@waybill/domain';
import { buildZoneIndex } from './zone-index.ts';
import { insideRing, type Area } from './zone-shape.ts';

function area(zoneId: string, wishes: Partial<Area>): Area {
  const always = { validFrom: -Infinity, validTo: Infinity };
  return { zoneId, shape: 'POLYGON', widthM: 0, points: [], ...always, ...wishes };
}

function at(latitude: number, longitude: number): Coordinate {
  return { latitude, longitude };
}

const square = [at(0, 0), at(0, 1), at(1, 1), at(1, 0)];

test('circles hold what is within their radius, corridors what is within half their width', () => {
  const zones = buildZoneIndex([
    area('circle', { shape: 'CIRCLE', widthM: 1000, points: [at(10, 10)] }),
    area('corridor', {
      shape: 'CORRIDOR',
      widthM: 200,
      points: [at(20, 20), at(20, 20.1), at(20.1, 20.1)],
    }),
  ]);
  assert.deepEqual(zones.containing(at(10.0089, 10), 0), ['circle']);
  assert.deepEqual(zones.containing(at(10.0091, 10), 0), []);
  assert.deepEqual(zones.containing(at(20.0008, 20.05), 0), ['corridor']);
  assert.deepEqual(zones.containing(at(20.001, 20.05), 0), []);
  assert.deepEqual(zones.containing(at(20.05, 20.1008), 0), ['corridor']);
});

test('an area counts while it is valid, each zone once, ids in order', () => {
  const zones = buildZoneIndex([
    area('b', { points: square, validTo: 100 }),
    area('b', { points: square, validFrom: 100 }),
    area('a', { points: square, validFrom: 100, validTo: 200 }),
    area('empty', {}),
  ]);
  assert.deepEqual(zones.ids, ['a', 'b', 'empty']);
  assert.deepEqual(zones.containing(at(0.5, 0.5), 99), ['b']);
  assert.deepEqual(zones.containing(at(0.5, 0.5), 100), ['a', 'b']);
  assert.deepEqual(zones.containing(at(0.5, 0.5), 200), ['b']);
});

test('a shape with a mistake is named; only one that crosses itself can be entered', () => {
  const bowTie = [at(0, 0), at(1, 1), at(0, 1), at(1, 0)];
  const zones = buildZoneIndex([
    area('bow-tie', { points: bowTie }),
    area('line', { points: [at(0, 0), at(1, 1)] }),
  ]);
  assert.deepEqual(
    zones.problems.map(({ area: { zoneId }, problem }) => [zoneId, problem]),
    [
      ['bow-tie', 'crosses_itself'],
      ['line', 'two_points'],
    ],
  );
  // North of the knot, and in the western wing.
  assert.deepEqual(zones.containing(at(0.9, 0.5), 0), []);
  assert.deepEqual(zones.containing(at(0.5, 0.1), 0), ['bow-tie']);
  assert.deepEqual(zones.areasOf('line', 0), []);
});

test('the grid finds what testing every ring finds, also for shapes of many cells', () => {
  const degrees = fc.integer({ min: -30_000, max: 30_000 }).map((value) => value / 1e5);
  const corner = fc.record({ latitude: degrees, longitude: degrees });
  const ring = fc.array(corner, { minLength: 3, maxLength: 6 });
  const small = fc
    .tuple(corner, ring)
    .map(([centre, points]) =>
      points.map(({ latitude, longitude }) =>
        at(centre.latitude + latitude / 20, centre.longitude + longitude / 20),
      ),
    );
  fc.assert(
    fc.property(fc.array(fc.oneof(ring, small), { maxLength: 12 }), corner, (rings, point) => {
      const zones = buildZoneIndex(rings.map((points, i) => area(`zone-${i}`, { points })));
      const expected = rings.flatMap((points, i) =>
        insideRing(points, point) ? [`zone-${i}`] : [],
      );
      assert.deepEqual(zones.containing(point, 0), expected.sort());
    }),
  );
});
