import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '@waybill/fault';
import { createMetrics, streamMetrics } from './metrics.ts';

test('the exposition has stream numbers, faults and the process, each with its service', async () => {
  const metrics = createMetrics('sample');
  const stream = streamMetrics(metrics);
  stream.received('a.b.event.v1', 3);
  stream.emitted('a.c.event.v1', 2);
  stream.discarded('repeat', true, 4);
  stream.batch('a.b.event.v1', 0.02);
  stream.lag('a.b.event.v1', 7, 9);
  metrics.error(new Fault('x', { kind: 'refused', code: 'FUTURE_TIME', stage: 'decide' }));
  metrics.counter('webhook_requests_total', 'Requests.', ['outcome']).inc({ outcome: 'accepted' });
  const text = await metrics.text();
  const expected = [
    'stream_records_received_total{topic="a.b.event.v1",service="sample"} 3',
    'stream_records_emitted_total{topic="a.c.event.v1",service="sample"} 2',
    'stream_records_discarded_total{reason="repeat",intentional="true",service="sample"} 4',
    'stream_batch_duration_seconds_count{service="sample",topic="a.b.event.v1"} 1',
    'stream_lag_records{topic="a.b.event.v1",partition="7",service="sample"} 9',
    'errors_total{stage="decide",kind="refused",code="FUTURE_TIME",category="validation",service="sample"} 1',
    'webhook_requests_total{outcome="accepted",service="sample"} 1',
  ];
  const lines = new Set(text.split('\n'));
  for (const line of expected) assert.ok(lines.has(line), `${line} not in\n${text}`);
  assert.match(text, /^process_cpu_seconds_total\{service="sample"\} [\d.]+$/m);
  const peak = /^process_peak_rss_bytes\{service="sample"\} (\d+)$/m.exec(text)?.[1];
  assert.ok(Number(peak) > 10_000_000, `peak ${peak}`);
});

test('two registries in one process do not meet', async () => {
  const one = createMetrics('one');
  const two = createMetrics('two');
  one.counter('x_total', 'X.').inc();
  two.counter('x_total', 'X.').inc(5);
  assert.match(await one.text(), /^x_total\{service="one"\} 1$/m);
  assert.match(await two.text(), /^x_total\{service="two"\} 5$/m);
});

test('a tally is read as often as wanted and counts on; the same labels are one series', async () => {
  const metrics = createMetrics('sample');
  const requests = metrics.tally('requests_total', 'Requests.', ['outcome']);
  assert.doesNotMatch(await metrics.text(), /^requests_total/m);
  const accepted = requests.labels({ outcome: 'accepted' });
  accepted.inc();
  accepted.inc();
  requests.labels({ outcome: 'refused' }).inc();
  const line = (outcome: string, count: number): RegExp =>
    new RegExp(`^requests_total\\{outcome="${outcome}",service="sample"\\} ${count}$`, 'm');
  assert.match(await metrics.text(), line('accepted', 2));
  requests.labels({ outcome: 'accepted' }).inc();
  const text = await metrics.text();
  assert.match(text, line('accepted', 3));
  assert.match(text, line('refused', 1));
});
