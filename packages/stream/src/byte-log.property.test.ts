import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { createByteLog } from './byte-log.ts';

const SEGMENT = 200;

// Many to a segment, some with one of their own, none without bytes left out.
const bytes = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  fc.uint8Array({ minLength: 45, maxLength: 3 * SEGMENT, size: 'max' }),
);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ op: fc.constant('put' as const), bytes }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constantFrom('free', 'replace', 'look'), at: fc.nat(), bytes }),
  },
);

describe('createByteLog', () => {
  it('is a map of bytes by place, however they are moved, and holds little more than lives', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 100, maxLength: 600, size: 'max' }), (steps) => {
        const log = createByteLog(SEGMENT);
        const model = new Map<number, Uint8Array>();
        // What somebody looks at stays what it was, also when its place is given up or moves.
        const views: { readonly view: Uint8Array; readonly expected: Uint8Array }[] = [];
        const gone = new Set<number>();
        const put = (added: Uint8Array): void => {
          const place = log.put(added);
          assert.ok(!model.has(place), 'a place is given out once');
          model.set(place, Uint8Array.from(added));
          gone.delete(place);
        };
        const free = (place: number): void => {
          log.free(place);
          model.delete(place);
          gone.add(place);
        };
        for (const each of steps) {
          const places = [...model.keys()];
          const place = 'at' in each ? places[each.at % places.length] : undefined;
          if (each.op === 'put') put(each.bytes);
          else if (place !== undefined && each.op === 'look') {
            views.push({ view: log.get(place), expected: model.get(place) as Uint8Array });
          } else if (place !== undefined) {
            free(place);
            if (each.op === 'replace') put(each.bytes);
          }
        }
        for (const [place, expected] of model) {
          assert.deepEqual(Uint8Array.from(log.get(place)), expected);
        }
        for (const { view, expected } of views) assert.deepEqual(Uint8Array.from(view), expected);
        for (const place of gone) {
          assert.throws(() => log.get(place), RangeError);
          assert.throws(() => log.free(place), RangeError);
        }
        const live = [...model.values()].reduce((sum, { length }) => sum + length, 0);
        assert.equal(log.live(), live);
        assert.ok(log.held() <= live / 0.9 + 3 * SEGMENT, `${log.held()} for ${live}`);
        for (const place of model.keys()) log.free(place);
        assert.ok(log.held() <= SEGMENT, 'only the open segment is left');
      }),
      { numRuns: 100 },
    );
  });

  it('holds little more than lives while half of many small pieces are replaced at random', () => {
    const log = createByteLog();
    const places: number[] = [];
    const piece = (round: number): Buffer => Buffer.alloc(1_000 + ((round * 7_919) % 9_000), round);
    for (let round = 0; round < 2_000; round += 1) places.push(log.put(piece(round)));
    for (let round = 0; round < 20_000; round += 1) {
      const at = (round * 7_919) % places.length;
      log.free(places[at] as number);
      places[at] = log.put(piece(round + 1));
      assert.ok(log.held() <= log.live() / 0.9 + (3 << 16), `round ${round}: ${log.held()}`);
    }
  });
});
