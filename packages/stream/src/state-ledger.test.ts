import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isFault } from '@waybill/fault';
import { silent } from './environment.ts';
import { createStateLedger } from './state-ledger.ts';

const limits = { taskLimitBytes: 100, processLimitBytes: 150 };
const first = { group: 'detector', partition: 0 };
const second = { group: 'detector', partition: 1 };

const refused = (pattern: RegExp) => (error: unknown) =>
  isFault(error) &&
  error.code === 'STATE_LIMIT' &&
  error.kind === 'misconfigured' &&
  pattern.test(error.message);

describe('the state ledger', () => {
  it('refuses a task beyond its limit and says what to raise', () => {
    const ledger = createStateLedger(limits, silent.metrics);
    ledger.hold(first, 60, 40);
    assert.throws(
      () => ledger.hold(first, 60, 41),
      refused(
        /detector-0: .*100 bytes.*101 \(stores 60, buffers 41\); raise STATE_TASK_LIMIT_BYTES/,
      ),
    );
  });

  it('counts all tasks of the process and forgets those that went away', () => {
    const ledger = createStateLedger(limits, silent.metrics);
    ledger.hold(first, 80, 0);
    assert.throws(
      () => ledger.hold(second, 71, 0),
      refused(/detector-1: .*150 bytes.*151 in .*raise STATE_PROCESS_LIMIT_BYTES/),
    );
    ledger.hold(first, 10, 0);
    ledger.hold(second, 71, 0);
    ledger.release(second);
    ledger.hold(first, 100, 0);
  });

  it('reports bytes per task', () => {
    const reported: unknown[] = [];
    const metrics = { ...silent.metrics, state: (...args: unknown[]) => reported.push(args) };
    const ledger = createStateLedger(limits, metrics);
    ledger.hold(first, 7, 8);
    ledger.release(first);
    assert.deepEqual(reported, [
      [0, 7, 8],
      [0, 0, 0],
    ]);
  });
});
