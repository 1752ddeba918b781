import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnusableBudget } from './unusable-budget.ts';

test('equal answers of a call are kept once an hour, different ones up to 120', () => {
  const budget = new UnusableBudget();
  assert.equal(budget.take('avl_evts', 'a', 0), 'kept');
  assert.equal(budget.take('avl_evts', 'a', 3_599_999), 'repeated');
  assert.equal(budget.take('core/batch', 'a', 5), 'kept');
  assert.equal(budget.take('avl_evts', 'a', 3_600_000), 'kept', 'an hour later again');
  for (let at = 0; at < 118; at += 1) assert.equal(budget.take('x', `${at}`, 3_600_001), 'kept');
  assert.equal(budget.take('x', 'more', 3_600_002), 'over_limit');
  assert.equal(budget.take('x', 'more', 3_600_006), 'kept', 'the oldest made room');
});
