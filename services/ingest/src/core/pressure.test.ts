import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextRecordMs, overloadedRetryS, unavailableRetryS } from './pressure.ts';

test('a full door names the time that its work takes, 1 to 30 s', () => {
  const calm = { requests: 100, recordMs: 0.1, awayMs: undefined };
  assert.equal(overloadedRetryS(calm), 1);
  assert.equal(overloadedRetryS({ ...calm, requests: 1000, recordMs: 8 }), 8);
  assert.equal(overloadedRetryS({ ...calm, requests: 1000, recordMs: 1000 }), 30);
});

test('an outage is expected to last as long again, 5 to 60 s', () => {
  const away = { requests: 0, recordMs: 1, awayMs: 0 };
  assert.equal(unavailableRetryS(away), 5);
  assert.equal(unavailableRetryS({ ...away, awayMs: 17_200 }), 18);
  assert.equal(unavailableRetryS({ ...away, awayMs: 3_600_000 }), 60);
});

test('the time of one record follows the newest batches', () => {
  let recordMs = 1;
  for (let batch = 0; batch < 50; batch += 1) recordMs = nextRecordMs(recordMs, 500, 100);
  assert.ok(Math.abs(recordMs - 5) < 0.01);
});
