import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { distribute, taskAssigner } from './assigner.ts';

const partitions = fc
  .integer({ min: 0, max: 24 })
  .map((count) => Array.from({ length: count }, (_, i) => i));

const members = fc.uniqueArray(
  fc.record({
    memberId: fc.string({ minLength: 1 }),
    owned: fc.array(fc.integer({ min: -2, max: 30 })),
  }),
  { selector: ({ memberId }) => memberId, minLength: 1, maxLength: 8 },
);

describe('distribute', () => {
  it('gives every partition to one member, evenly, whatever they claim', () => {
    fc.assert(
      fc.property(members, partitions, (group, all) => {
        const shares = [...distribute(group, all).values()];
        assert.deepEqual(
          shares.flat().toSorted((a, b) => a - b),
          all,
        );
        const sizes = shares.map(({ length }) => length);
        assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
      }),
    );
  });

  it('does not depend on the order of the members', () => {
    fc.assert(
      fc.property(members, partitions, (group, all) => {
        const forwards = distribute(group, all);
        const backwards = distribute(group.toReversed(), all);
        assert.deepEqual(backwards, forwards);
      }),
    );
  });

  it('moves nothing when nothing changed', () => {
    fc.assert(
      fc.property(members, partitions, (group, all) => {
        const before = distribute(group, all);
        const again = group.map(({ memberId }) => ({
          memberId,
          owned: before.get(memberId) ?? [],
        }));
        const after = distribute(again, all);
        for (const { memberId } of group) {
          assert.deepEqual(after.get(memberId)?.toSorted(), before.get(memberId)?.toSorted());
        }
      }),
    );
  });

  it('takes only what it must when a member joins', () => {
    const shares = distribute(
      [
        { memberId: 'new', owned: [] },
        { memberId: 'old', owned: [0, 1, 2, 3, 4, 5, 6, 7] },
      ],
      [0, 1, 2, 3, 4, 5, 6, 7],
    );
    assert.deepEqual(shares.get('old'), [0, 1, 2, 3]);
    assert.deepEqual(shares.get('new'), [4, 5, 6, 7]);
  });
});

describe('taskAssigner', () => {
  it('gives the same partition of all topics to one member', () => {
    const assigner = taskAssigner(() => [2, 0]);
    assert.equal(assigner.describe().toString(), '2,0');
    const assignment = assigner.assign(
      [
        { memberId: 'a', described: Buffer.from('1,3') },
        { memberId: 'b', described: Buffer.alloc(0) },
      ],
      new Map([
        ['left', [0, 1, 2, 3]],
        ['right', [0, 1, 2, 3]],
        ['single', [0]],
      ]),
    );
    assert.deepEqual(assignment.get('a'), { left: [1, 3], right: [1, 3], single: [] });
    assert.deepEqual(assignment.get('b'), { left: [0, 2], right: [0, 2], single: [0] });
  });
});
