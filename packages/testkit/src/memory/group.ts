import { distribute } from '@waybill/stream';
import type { Engine } from './engine.ts';

/** One member of a consumer group. */
export interface Member {
  readonly id: string;
  /** Partition numbers that it has work for: it keeps what the shares allow. */
  readonly owned: () => Iterable<number>;
  /** All partition numbers that are its own from now on; it has let go of the others when this returns. */
  readonly assign: (partitions: readonly number[]) => void;
}

/** Consumer groups: joining and leaving take effect at the next turn of the engine. */
export interface Groups {
  readonly join: (group: string, partitions: number, member: Member) => () => void;
  /** Assigns anew although nobody came or went, as a broker does that lost its coordinator. */
  readonly rebalance: () => void;
}

interface Group {
  readonly members: Set<Member>;
  readonly partitions: number;
  stale: boolean;
}

/** Assignment by the real assigner: partition p of all topics of a group has one owner. */
export function createGroups(engine: Engine): Groups {
  const groups = new Map<string, Group>();

  function assign({ members, partitions }: Group): void {
    if (members.size === 0) return;
    const numbers = Array.from({ length: partitions }, (_, partition) => partition);
    const shares = distribute(
      [...members].map(({ id, owned }) => ({ memberId: id, owned: [...owned()] })),
      numbers,
    );
    for (const member of members) member.assign(shares.get(member.id) ?? []);
  }

  engine.add({
    name: 'groups',
    step: async () => {
      const stale = [...groups.values()].filter((group) => group.stale);
      for (const group of stale) {
        group.stale = false;
        assign(group);
      }
      return stale.length > 0;
    },
  });

  return {
    join: (name, partitions, member) => {
      const group = groups.get(name) ?? { members: new Set(), partitions, stale: false };
      groups.set(name, group);
      group.members.add(member);
      group.stale = true;
      return () => {
        group.stale = group.members.delete(member) || group.stale;
      };
    },
    rebalance: () => {
      for (const group of groups.values()) group.stale = true;
    },
  };
}
