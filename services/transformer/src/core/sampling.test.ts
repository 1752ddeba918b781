import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashId } from '@waybill/domain';
import { isTraced } from './sampling.ts';

test('the share of traced pages is the ratio, and a page always decides the same', () => {
  const ids = Array.from({ length: 4000 }, (_value, index) => hashId('page', index));
  for (const [ratio, least, most] of [
    [0, 0, 0],
    [0.1, 320, 480],
    [1, 4000, 4000],
  ] as const) {
    const traced = ids.filter((id) => isTraced(id, ratio)).length;
    assert.ok(traced >= least && traced <= most, `${ratio}: ${traced}`);
  }
});
