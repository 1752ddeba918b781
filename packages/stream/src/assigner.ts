import type { GroupAssigner } from './client.ts';
import type { MemberListener } from './guards.ts';

/** Assignment of one member: partitions by topic. */
export type Assignment = ReadonlyMap<string, readonly number[]>;

/**
 * Which member gets which partition number. Every member gets ⌊n/m⌋ or ⌈n/m⌉; a partition stays where
 * it is while that holds, so a rebalance restores as little state as possible. Deterministic.
 */
export function distribute(
  members: readonly { readonly memberId: string; readonly owned: readonly number[] }[],
  partitions: readonly number[],
): ReadonlyMap<string, readonly number[]> {
  const sorted = members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const least = Math.floor(partitions.length / sorted.length);
  let extra = partitions.length - least * sorted.length;
  const free = new Set(partitions);
  const shares = new Map<string, number[]>();
  for (const { memberId, owned } of sorted) {
    const kept = [...new Set(owned)].filter((p) => free.has(p)).sort((a, b) => a - b);
    const allowed = kept.length > least && extra > 0 ? least + 1 : least;
    if (allowed > least) extra -= 1;
    const share = kept.slice(0, allowed);
    for (const partition of share) free.delete(partition);
    shares.set(memberId, share);
  }
  const waiting = [...free].sort((a, b) => a - b);
  for (const share of shares.values()) {
    while (share.length < least && waiting.length > 0) share.push(...waiting.splice(0, 1));
  }
  for (const share of shares.values()) {
    if (share.length === least && waiting.length > 0) share.push(...waiting.splice(0, 1));
  }
  return shares;
}

function readOwned(described: Buffer): readonly number[] {
  const text = described.toString();
  return text === '' ? [] : text.split(',').map(Number).filter(Number.isSafeInteger);
}

/** The same partition number of all topics goes to one member: task p has one owner. */
export function taskAssigner(
  owned: () => Iterable<number>,
  listener: MemberListener = {},
): GroupAssigner {
  return {
    name: 'waybill-tasks',
    describe: () => Buffer.from([...owned()].join(',')),
    ...listener,
    assign: (members, topics) => {
      const numbers = [...new Set([...topics.values()].flat())].sort((a, b) => a - b);
      const shares = distribute(
        members.map(({ memberId, described }) => ({ memberId, owned: readOwned(described) })),
        numbers,
      );
      return new Map(
        [...shares].map(([memberId, share]) => [
          memberId,
          Object.fromEntries(
            [...topics].map(([topic, existing]) => [
              topic,
              share.filter((partition) => existing.includes(partition)),
            ]),
          ),
        ]),
      );
    },
  };
}
