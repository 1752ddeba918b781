import type { Message, Topic } from '@waybill/contracts';
import type { Outgoing, TableReader } from './port.ts';
import type { ReworkLog } from './rework-host.ts';

/**
 * Keeps a rework from putting an older value over a newer one: knows the newest revision of every key of
 * the compacted outputs. Right as long as no other task writes the same keys, which partitioning sees to.
 */
export interface ReworkGuard {
  /** Waits until everything committed so far is known; call before a reworked transaction. */
  readonly update: () => Promise<void>;
  /** True when a newer value stands in the topic, or when nobody can tell. */
  readonly isSuperseded: (record: Outgoing) => boolean;
  /** What stands in the compacted outputs. */
  readonly published: TableReader;
  readonly close: () => Promise<void>;
}

/** The `revision` of a message; undefined when it has none. */
export function revisionOf(message: Message | null | undefined): number | undefined {
  const { revision } = (message?.value ?? {}) as { revision?: unknown };
  return typeof revision === 'number' ? revision : undefined;
}

/** Reads the compacted ones of `outputs` and follows them until `close`. */
export async function openReworkGuard(
  log: ReworkLog,
  outputs: readonly Topic[],
): Promise<ReworkGuard> {
  const { reader, update, close } = await log.follow(outputs.filter((topic) => topic.compacted));
  return {
    update,
    close,
    published: reader,
    isSuperseded: ({ topic, key, message }) => {
      if (!topic.compacted) return false;
      const revision = revisionOf(message);
      if (revision === undefined) return true;
      const known = revisionOf(reader.get(topic, key));
      return known !== undefined && known > revision;
    },
  };
}
