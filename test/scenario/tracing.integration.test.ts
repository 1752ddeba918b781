import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '@waybill/testkit';
import { ancestorsOf, type Span, startOtlpReceiver } from './otlp-receiver.ts';
import { runOnce } from './run-once.ts';

/** The services on the way of each written trip, from its SQL write back; one text per trip. */
function waysOfTrips(spans: ReadonlyMap<string, Span>): readonly string[] {
  return [...spans.values()]
    .filter(({ name }) => name === 'sql write')
    .map((write) => ancestorsOf(spans, write))
    .filter((chain) => chain.some(({ name }) => name === 'deliver trip'))
    .map((chain) => {
      const services = chain.map(({ service }) => service);
      const call = chain.find(({ name }) => name.startsWith('wialon '));
      return [...new Set(services), call === undefined ? 'no call' : 'API call']
        .toSorted()
        .join(' ');
    });
}

const whole = 'API call detector erp-sink transformer wialon-extractor';

test('the chain of every delivered trip leads unbroken from the SQL write to the API call', async () => {
  const receiver = await startOtlpReceiver();
  try {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, TRACE_POSITION_RATIO: '1' };
    await runOnce({ scenario: 'short', seed: 4, speed: 4000, env }, async ({ report, verdict }) => {
      assert.deepEqual(report.problems, []);
      const trips = [...verdict.tenants.values()].reduce((sum, { rows }) => sum + rows.trips, 0);
      // Each service exports on its own beat: the spans of a chain arrive in any order.
      let ways: readonly string[] = [];
      await until(
        'the spans of all trips to be exported',
        () => {
          ways = waysOfTrips(receiver.spans());
          return ways.length >= trips && ways.every((way) => way === whole);
        },
        { deadlineMs: 20_000, everyMs: 250 },
      ).catch(() => undefined);
      assert.ok(ways.length >= trips, `${ways.length} written trips were traced, not ${trips}`);
      assert.deepEqual([...new Set(ways)], [whole]);
    });
  } finally {
    await receiver.close();
  }
});
