import type { Topic } from '@waybill/contracts';
import { authored } from './author.ts';
import type { BufferBase } from './buffer-base.ts';
import { wireName } from './environment.ts';
import { streamFault } from './errors.ts';
import { readLog, type LogReader } from './log-reader.ts';
import type { Received, Task } from './port.ts';
import { createProgress } from './progress.ts';
import { readBefore } from './record.ts';
import type { FetchedBatch } from './record-batch/fetched-batch.ts';
import type { TaskSetting } from './task-build.ts';
import type { TaskState } from './task-state.ts';

/** How many records before the committed position are looked at for its time; markers fill a few. */
const LAST_RECORDS = 1_000n;

/** What is needed to bring buffers to the committed position. */
export interface Rebuilding<V> {
  readonly setting: TaskSetting<V>;
  readonly partition: number;
  readonly state: TaskState<V>;
  readonly task: Task;
  readonly base: BufferBase;
  readonly next: ReadonlyMap<string, bigint>;
  readonly low: ReadonlyMap<string, bigint>;
  readonly signal: AbortSignal;
}

/** When the last record before `next` was published, ms; undefined = there is none. */
async function committedTime<V>(
  { setting: { environment }, partition, low, signal }: Rebuilding<V>,
  topic: Topic,
  next: bigint,
): Promise<number | undefined> {
  const first = low.get(topic.name) ?? 0n;
  for (let span = LAST_RECORDS; ; span *= 16n) {
    const from = next - span < first ? first : next - span;
    let time: number | undefined;
    const reader = readLog({
      kafka: environment.openKafka(),
      logger: environment.logger,
      partitions: [{ topic: wireName(environment, topic), partition, from, to: next }],
      follow: false,
      onBatch: (batch) => {
        const records = batch.records();
        while (records.next() && records.offset < next) time = records.timestamp;
      },
    });
    await finished(reader, signal);
    if (time !== undefined || from === first) return time;
  }
}

/** Waits for a reader; stops it when the task goes away. */
async function finished(reader: LogReader, signal: AbortSignal): Promise<void> {
  const abort = (): void => {
    void reader.stop();
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    await reader.done;
    if (signal.aborted) throw streamFault('CLOSED', 'start', 'the rebuild was interrupted');
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Where a cold rebuild of an input begins. */
async function coldStart<V>(rebuilding: Rebuilding<V>, topic: Topic): Promise<bigint> {
  const { setting, partition, task, next, low } = rebuilding;
  const first = low.get(topic.name) ?? 0n;
  const end = next.get(topic.name) ?? first;
  const told = authored(() => task.rebuildFrom?.(topic));
  if (told !== undefined) return told > first ? told : first;
  const time = await committedTime(rebuilding, topic, end);
  if (time === undefined) return end;
  const retentionMs = setting.options.buffers?.retentionMs ?? 0;
  const { offsets } = setting.environment;
  const found = await offsets.atTime(topic, partition, Math.max(0, time - retentionMs));
  return found === undefined || found < first ? first : found;
}

function rebuildRecords<V>(
  { task, state, base }: Rebuilding<V>,
  records: readonly Received[],
): void {
  if (task.rebuild === undefined) {
    throw streamFault('BUFFER_MISUSED', 'start', 'a task that declares buffers needs rebuild');
  }
  base.buffers.open(true);
  try {
    task.rebuild(records);
  } finally {
    base.buffers.open(false);
  }
  if (state.changed()) {
    throw streamFault(
      'BUFFER_MISUSED',
      'start',
      'rebuild changed a store: it may change buffers only, the store is ahead already',
    );
  }
}

/** Hands one input between two offsets to `rebuild`; `base` moves along. */
async function replay<V>(rebuilding: Rebuilding<V>, topic: Topic, from: bigint): Promise<number> {
  const { setting, partition, state, base, next, signal } = rebuilding;
  const { environment, group } = setting;
  const { logger, metrics, codecs, ledger } = environment;
  const { buffers } = base;
  const to = next.get(topic.name) ?? from;
  const progress = createProgress((records) => {
    const share = reader.share();
    logger.info({ topic: topic.name, partition, records, share }, 'buffers.rebuilding');
  });
  async function take(batch: FetchedBatch): Promise<void> {
    const { received, unreadable } = await readBefore(codecs, topic, batch, to);
    authored(() => {
      if (received.length > 0) rebuildRecords(rebuilding, received);
      ledger.hold({ group, partition }, state.storeBytes(), buffers.held());
    });
    buffers.promote();
    base.positions.set(topic.name, batch.next < to ? batch.next : to);
    const count = received.length + unreadable.length;
    metrics.restored(topic.name, count);
    progress.add(count);
  }
  const reader = readLog({
    kafka: environment.openKafka(),
    logger,
    partitions: [{ topic: wireName(environment, topic), partition, from, to }],
    follow: false,
    onBatch: take,
  });
  await finished(reader, signal);
  return progress.records();
}

/**
 * Brings the buffers of a base to the committed position, publishing nothing: from where the base
 * stands, or cold from a bounded point. One input after the other, each in offset order.
 */
export async function rebuildBuffers<V>(rebuilding: Rebuilding<V>): Promise<void> {
  const { setting, partition, base, next } = rebuilding;
  const { environment, options, group } = setting;
  if (options.buffers === undefined) return;
  const startedAt = Date.now();
  let records = 0;
  for (const topic of options.inputs) {
    const to = next.get(topic.name) ?? 0n;
    const from = base.positions.get(topic.name) ?? (await coldStart(rebuilding, topic));
    if (from < to) records += await replay(rebuilding, topic, from);
    base.positions.set(topic.name, to);
  }
  environment.logger.info(
    {
      ...{ group, partition, source: base.source, records },
      ...{ bytes: base.buffers.size(), duration_ms: Date.now() - startedAt },
    },
    'buffers.rebuilt',
  );
}
