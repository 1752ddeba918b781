import {
  authored,
  streamFault,
  type Task,
  type TaskState,
  type TransactOptions,
} from '@waybill/stream';
import type { Stored } from './broker.ts';
import { decode, type Instance } from './instance.ts';
import type { Snapshot } from './snapshots.ts';

/** Reads the changelogs of a task into its empty state; what cannot be read must not leave a hole. */
export async function restoreState<V>(
  instance: Instance,
  { restorable }: TaskState<V>,
  partition: number,
): Promise<void> {
  for (const [changelog, store] of restorable) {
    const newest = new Map<string, Stored>();
    const { records } = instance.broker.read(changelog.name, partition, 0n);
    for (const record of records) {
      if (record.value === null) newest.delete(record.key);
      else newest.set(record.key, record);
    }
    const { received, unreadable } = await decode(instance, changelog, [...newest.values()]);
    const [bad] = unreadable;
    if (bad) {
      const place = `${changelog.name}/${partition} offset ${bad.offset}`;
      const text = `${place}: ${bad.problem}; state cannot be restored`;
      throw streamFault('UNDECODABLE', 'start', text);
    }
    authored(() => {
      for (const { key, message, bytes } of received) {
        store.restore(key, message, Buffer.byteLength(key) + bytes.length);
      }
    });
    instance.metrics.restored(changelog.name, records.length);
  }
}

/** The snapshot that fits, put back; call before the author sees the state. */
export function restoreBuffers<V>(
  { snapshots, broker }: Instance,
  { inputs, buffers: options }: TransactOptions<V>,
  { partition, task, state }: { partition: number; task: string; state: TaskState<V> },
): Snapshot | undefined {
  const snapshot = snapshots.of(task);
  if (snapshot === undefined || snapshot.layout !== options?.layout) return undefined;
  const { positions, buffers } = snapshot;
  const lacks = inputs.some(
    ({ name }) => (positions.get(name) ?? -1n) < broker.start(name, partition),
  );
  if (lacks) return undefined;
  for (const [key, bytes] of buffers) state.buffers.restore(key, bytes);
  return snapshot;
}

/** Buffers come back: from a snapshot the records behind it, else as far back as the task needs. */
export async function rebuildBuffers<V>(
  instance: Instance,
  { inputs, buffers: options }: TransactOptions<V>,
  { partition, task, state, next, snapshot }: RebuiltTask<V>,
): Promise<void> {
  if (options === undefined) return;
  for (const topic of inputs) {
    const end = next.get(topic.name) ?? 0n;
    const from = snapshot?.positions.get(topic.name) ?? task.rebuildFrom?.(topic);
    const before = instance.broker
      .read(topic.name, partition, from ?? 0n)
      .records.filter(({ offset }) => offset < end);
    const newest = before.at(-1)?.publishedTime ?? 0;
    const wanted =
      from === undefined
        ? before.filter(({ publishedTime }) => publishedTime >= newest - options.retentionMs)
        : before;
    const { received } = await decode(instance, topic, wanted);
    state.buffers.open(true);
    authored(() => {
      if (task.rebuild === undefined) {
        const text = 'a task that declares buffers needs rebuild';
        throw streamFault('BUFFER_MISUSED', 'start', text);
      }
      task.rebuild(received);
      if (!state.changed()) return;
      const text = `${topic.name}/${partition}: rebuild may change buffers only, a store was changed`;
      throw streamFault('BUFFER_MISUSED', 'start', text);
    });
    state.buffers.open(false);
  }
  state.buffers.promote();
}

interface RebuiltTask<V> {
  readonly partition: number;
  readonly task: Task;
  readonly state: TaskState<V>;
  readonly next: ReadonlyMap<string, bigint>;
  readonly snapshot: Snapshot | undefined;
}
