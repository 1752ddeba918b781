/** Buffers of a task as they stood behind these positions of its inputs. */
export interface Snapshot {
  readonly layout: number;
  /** Next offset by topic name. */
  readonly positions: ReadonlyMap<string, bigint>;
  readonly buffers: ReadonlyMap<string, Uint8Array>;
}

/** What files on a disk are to the real stream: they outlive the process, and grow old. */
export interface Snapshots {
  /** A task that can be asked for one; undefined while it has none to give. Returns how it leaves. */
  readonly join: (task: string, make: () => Snapshot | undefined) => () => void;
  readonly takeAll: () => void;
  readonly of: (task: string) => Snapshot | undefined;
  /** It is of no use any more: something happened that stands between no two positions. */
  readonly drop: (task: string) => void;
}

export function createSnapshots(): Snapshots {
  const tasks = new Map<string, () => Snapshot | undefined>();
  const taken = new Map<string, Snapshot>();
  return {
    join: (task, make) => {
      tasks.set(task, make);
      return () => {
        if (tasks.get(task) === make) tasks.delete(task);
      };
    },
    takeAll: () => {
      for (const [task, make] of tasks) {
        const snapshot = make();
        if (snapshot !== undefined) taken.set(task, snapshot);
      }
    },
    of: (task) => taken.get(task),
    drop: (task) => void taken.delete(task),
  };
}
