import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openConsumer, openProducer, fetchLimits, times, type GroupAssigner } from './client.ts';

/** What the client is told when something is opened. */
function told(): {
  readonly kafka: never;
  readonly options: () => Record<string, unknown> & { readonly retry: Record<string, unknown> };
} {
  let options: unknown;
  const open = (given: unknown): object => {
    options = given;
    return { disconnect: async () => undefined };
  };
  // Nothing but these two is asked for.
  return { kafka: { consumer: open, producer: open } as never, options: () => options as never };
}

const assigner: GroupAssigner = {
  name: 'test',
  describe: () => Buffer.alloc(0),
  assign: () => new Map(),
};

it('lets a killed member be replaced, and its transaction end, within seconds', () => {
  assert.ok(times.session <= 10_000 && times.heartbeat * 3 <= times.session);
  assert.ok(times.transaction <= 15_000);
});

describe('the client is told', () => {
  it('never to restart a consumer by itself', async () => {
    const { kafka, options } = told();
    openConsumer(kafka, 'group', assigner, fetchLimits.steady);
    const restart = options().retry['restartOnFailure'] as (() => Promise<boolean>) | undefined;
    // The client restarts when it is told nothing.
    assert.equal(await restart?.(), false);
  });

  it('not to wait longer for a fetch than a stop may take', () => {
    const { kafka, options } = told();
    openConsumer(kafka, 'group', assigner, fetchLimits.steady);
    // 5 s when it is told nothing.
    assert.ok(Number(options()['maxWaitTimeInMs'] ?? 5_000) <= 500);
  });

  it('how often a producer tries again, for about ten seconds', () => {
    for (const id of [undefined, 'transactional']) {
      const { kafka, options } = told();
      openProducer(kafka, id);
      const { initialRetryTime, multiplier, maxRetryTime, retries } = options().retry;
      // 5 when it is told nothing.
      const times = Array.from({ length: Number(retries ?? 5) }, (_, attempt) =>
        Math.min(Number(maxRetryTime), Number(initialRetryTime) * Number(multiplier) ** attempt),
      );
      assert.ok(times.reduce((sum, ms) => sum + ms, 0) >= 8_000, times.join(' '));
    }
  });

  it('to create no topics: a mistyped one must fail', () => {
    for (const open of [
      (kafka: never) => openProducer(kafka),
      (kafka: never) => openConsumer(kafka, 'group', assigner, fetchLimits.steady),
    ]) {
      const { kafka, options } = told();
      open(kafka);
      assert.equal(options()['allowAutoTopicCreation'] ?? true, false);
    }
  });
});
