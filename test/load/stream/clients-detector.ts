import type { KeyedBuffers, Received } from '@waybill/stream';
import { memoryMib, round } from '../measure.ts';
import type { Client } from './clients.ts';
import { addFix, FIX_BYTES, timeAt } from './packed-fixes.ts';
import { topicsOf, type VehicleSampled, type WindowCounted } from './topics.ts';

const POLL_MS = 50;
const MIB = 2 ** 20;
/** One event and one state record of a unit for so many fixes, as a trip would be. */
const FIXES_PER_EVENT = 120;

const NO_EVENT: WindowCounted = { start_time: 0, samples: 0, speeds: 0, speed_sum: 0 };

/** Fixes and their times; throws when a unit's fixes are out of order or doubled. */
function digestOf(tasks: Iterable<KeyedBuffers>): {
  readonly text: string;
  readonly fixes: number;
} {
  let fixes = 0;
  let times = 0;
  for (const buffers of tasks) {
    for (const unit of buffers.keys()) {
      const packed = buffers.get(unit);
      let before = -Infinity;
      for (let index = 0; index < packed.length / FIX_BYTES; index += 1) {
        const time = timeAt(packed, index);
        if (time <= before) throw new Error(`${unit}: fix ${index} is out of order`);
        before = time;
        times += time;
        fixes += 1;
      }
    }
  }
  return { text: `${fixes}|${times}`, fixes };
}

/**
 * The state of a detector: packed fixes of every unit within the grace as buffers, one event and one
 * changelog record in 120 fixes. Without events to process it only starts and says how long that took.
 */
export const detectorShaped: Client = async ({ setting, streams, meter }) => {
  const { sampled, windows, windowState, deadLetter } = topicsOf(setting.run);
  const { windowMs = 0, input = sampled.name } = setting;
  const tasks = new Map<number, KeyedBuffers>();
  const startedAt = performance.now();
  const runner = await streams.transact<WindowCounted>({
    service: `detect-${setting.run}`,
    inputs: [{ ...sampled, name: input }],
    outputs: [windows],
    deadLetter,
    store: {
      changelog: windowState,
      toMessage: (value) => ({ type: 'WindowCounted', value }),
      fromMessage: (message) => message.value as WindowCounted,
    },
    buffers: { layout: 1, retentionMs: 24 * 3_600_000 },
    createTask: ({ partition, buffers, store }) => {
      tasks.set(partition, buffers);
      const valueOf = (record: Received): VehicleSampled => record.message.value as VehicleSampled;
      return {
        rebuild: (records) => {
          for (const record of records) addFix(buffers, valueOf(record), windowMs);
        },
        handle: (records, out) => {
          for (const record of records) {
            const { key } = record;
            if (!addFix(buffers, valueOf(record), windowMs)) continue;
            if (Number(record.offset) % FIXES_PER_EVENT !== 0) continue;
            const before = store.get(key) ?? NO_EVENT;
            const value = { ...before, samples: before.samples + 1 };
            store.put(key, value);
            out.emit({ topic: windows, key, message: { type: 'WindowCounted', value } });
          }
        },
      };
    },
  });
  while (!runner.ready()) {
    await Promise.race([runner.done, new Promise((resolve) => setTimeout(resolve, POLL_MS))]);
  }
  const ready_s = round((performance.now() - startedAt) / 1_000, 2);
  const result = setting.events > 0 ? await Promise.race([meter.finished, runner.done]) : undefined;
  await runner.stop();
  // Before the digest, which copies every buffer: that is the bench's memory, not the service's.
  const peak_rss_mib = memoryMib('VmHWM');
  const { text, fixes } = digestOf(tasks.values());
  return {
    ...result,
    ready_s,
    peak_rss_mib,
    fixes_held: fixes,
    packed_mib: round((fixes * FIX_BYTES) / MIB),
    digest: text,
  };
};
