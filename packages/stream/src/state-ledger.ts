import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { streamFault } from './errors.ts';
import type { StateOptions, StreamMetrics } from './port.ts';

/** Bytes of the state of all tasks of a connection, held against the limits. */
export interface StateLedger {
  /** Folder of the snapshots. */
  readonly directory: string;
  readonly snapshotIntervalMs: number;
  /** A task that goes on writes its snapshot; the others wait, because what is frozen cannot be used again. */
  readonly snapshotTurn: { taken: boolean };
  /** What a task holds from now on. Throws a Fault `STATE_LIMIT`; the former figures stay then. */
  readonly hold: (owner: StateOwner, storeBytes: number, bufferBytes: number) => void;
  readonly release: (owner: StateOwner) => void;
}

export interface StateOwner {
  readonly group: string;
  readonly partition: number;
}

const MIB = 1 << 20;
const TASK_LIMIT_BYTES = 1_024 * MIB;
const PROCESS_LIMIT_BYTES = 2_048 * MIB;
const SNAPSHOT_INTERVAL_MS = 60_000;

function refusal(task: string, bytes: string, limit: number, variable: string): Error {
  return streamFault(
    'STATE_LIMIT',
    'commit',
    `task ${task}: expected at most ${limit} bytes of state, found ${bytes}; raise ${variable} (and the memory of the process), give the service more partitions or instances, or keep less`,
  );
}

export function createStateLedger(options: StateOptions = {}, metrics: StreamMetrics): StateLedger {
  const taskLimit = options.taskLimitBytes ?? TASK_LIMIT_BYTES;
  const processLimit = options.processLimitBytes ?? PROCESS_LIMIT_BYTES;
  const held = new Map<string, number>();
  let total = 0;
  const nameOf = ({ group, partition }: StateOwner): string => `${group}-${partition}`;

  function put(name: string, bytes: number): void {
    total += bytes - (held.get(name) ?? 0);
    if (bytes === 0) held.delete(name);
    else held.set(name, bytes);
  }

  return {
    directory: options.directory ?? join(tmpdir(), 'waybill'),
    snapshotIntervalMs: options.snapshotIntervalMs ?? SNAPSHOT_INTERVAL_MS,
    snapshotTurn: { taken: false },
    hold: (owner, storeBytes, bufferBytes) => {
      const name = nameOf(owner);
      const bytes = storeBytes + bufferBytes;
      const parts = `${bytes} (stores ${storeBytes}, buffers ${bufferBytes})`;
      if (bytes > taskLimit) throw refusal(name, parts, taskLimit, 'STATE_TASK_LIMIT_BYTES');
      const all = total + bytes - (held.get(name) ?? 0);
      if (all > processLimit) {
        const found = `${all} in ${held.size} tasks`;
        throw refusal(name, found, processLimit, 'STATE_PROCESS_LIMIT_BYTES');
      }
      put(name, bytes);
      metrics.state(owner.partition, storeBytes, bufferBytes);
    },
    release: (owner) => {
      put(nameOf(owner), 0);
      metrics.state(owner.partition, 0, 0);
    },
  };
}
