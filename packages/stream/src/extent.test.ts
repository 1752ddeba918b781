import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isFault } from '@waybill/fault';
import { openExtent } from './extent.ts';
import { topics } from './testing/cluster.ts';

const { state, windows } = topics;
const open = (committed: readonly string[], ends: Record<string, bigint>) =>
  openExtent([state, windows], 3, committed, new Map(Object.entries(ends)));

const lost = (error: unknown): boolean => isFault(error) && error.code === 'STATE_LOST';

describe('the extent of the changelogs', () => {
  it('is what was written last, and the next start compares it with what is there', () => {
    const extent = open([], {});
    assert.equal(extent.metadata(), '');
    extent.wrote(state.name, 9n);
    extent.wrote(state.name, 4n);
    extent.wrote(topics.output.name, 99n);
    const metadata = extent.metadata();
    assert.equal(open([metadata], { [state.name]: 10n }).metadata(), metadata);
    assert.throws(() => open([metadata], { [state.name]: 9n }), lost);
    assert.throws(
      () => open([metadata], {}),
      /test\.unit\.state\.v1\/3 ends at 0, the task wrote up to 10: .* reset the state/,
    );
  });

  it('is the furthest that any input was committed with', () => {
    const commits = [9n, 20n].map((offset) => {
      const extent = open([], {});
      extent.wrote(state.name, offset);
      return extent.metadata();
    });
    assert.throws(() => open(commits, { [state.name]: 20n }), lost);
    open(commits, { [state.name]: 21n });
  });

  it('takes no offence at what others wrote there, or at a store that is gone', () => {
    const strange = ['', 'text', '7', 'null', '{"changelogs":5}', '{"changelogs":{"a":5}}'];
    const former = `{"changelogs":{"former.state.v1":"5","${state.name}":"x"}}`;
    assert.equal(open([...strange, former], {}).metadata(), '');
  });
});
