import type { Topic } from '@waybill/contracts';
import { streamFault } from './errors.ts';

/**
 * How far the changelogs of a task reach: the offset behind its newest change, by topic name. It is
 * committed with the offsets of the inputs, in their metadata (`{"changelogs":{"<topic>":"<offset>"}}`), so
 * a changelog that was deleted and provisioned again is shorter than the offsets say, and that is noticed.
 */
export interface Extent {
  /** A batch of a changelog was written at this offset; aborted ones count, the log keeps their place. */
  readonly wrote: (topic: string, offset: bigint) => void;
  /** For the offset commit; empty while nothing was ever written. */
  readonly metadata: () => string;
}

type Ends = ReadonlyMap<string, bigint>;

/** What the metadata of a commit say; nothing when another version or tool wrote them. */
function parse(metadata: string): Ends {
  try {
    const { changelogs } = Object(JSON.parse(metadata)) as { changelogs?: unknown };
    return new Map(
      Object.entries(Object(changelogs) as Record<string, unknown>).flatMap(([topic, end]) =>
        typeof end === 'string' && /^\d{1,19}$/.test(end) ? [[topic, BigInt(end)] as const] : [],
      ),
    );
  } catch {
    return new Map();
  }
}

/**
 * The extent of a task that starts: `committed` are the metadata of its inputs, `ends` the high watermarks of
 * its changelogs by name. Throws a Fault `STATE_LOST` when a changelog ends before the task last wrote to it.
 */
export function openExtent(
  changelogs: readonly Topic[],
  partition: number,
  committed: Iterable<string>,
  ends: Ends,
): Extent {
  const names = new Set(changelogs.map(({ name }) => name));
  const known = new Map<string, bigint>();
  function note(topic: string, end: bigint): void {
    if (names.has(topic) && end > (known.get(topic) ?? 0n)) known.set(topic, end);
  }
  for (const metadata of committed) {
    for (const [topic, end] of parse(metadata)) note(topic, end);
  }
  for (const [topic, end] of known) {
    const found = ends.get(topic) ?? 0n;
    if (found >= end) continue;
    throw streamFault(
      'STATE_LOST',
      'start',
      `${topic}/${partition} ends at ${found}, the task wrote up to ${end}: the changelog was deleted or cut; bring it back, or reset the state (FAULTS.md of packages/stream)`,
    );
  }
  return {
    wrote: (topic, offset) => note(topic, offset + 1n),
    metadata: () => {
      if (known.size === 0) return '';
      const texts = [...known].map(([topic, end]) => [topic, String(end)]);
      return JSON.stringify({ changelogs: Object.fromEntries(texts) });
    },
  };
}
