import { unitName } from './core/account.ts';
import { cursorKey } from './core/account.ts';
import type { AccountContext } from './context.ts';
import { daysWith, proofDay, proveDay } from './prove.ts';
import type { Readers } from './readers.ts';

/** The nightly proofs of an account. */
export interface Proofs {
  /** Starts the proof that is due, if any. */
  readonly turn: (units: readonly number[]) => void;
  /** Days before this one are proven; it stands in the live cursor. Undefined before the first night. */
  readonly provedDay: () => number | undefined;
}

/**
 * Once a day all units are counted at the provider, for the past day and the day that turns old. A proof that a
 * restart interrupts begins anew.
 */
export function createProofs(context: AccountContext, readers: Readers): Proofs {
  const { account, memory, owner, ports, fields } = context;
  const live = owner.cursors.get(cursorKey(account, null));
  const saved = live?.type === 'CursorMoved' ? live.value.proved_day : null;
  // The first reading has just asked for everything: the first proof is that of the next night.
  let proved = saved ?? undefined;
  let running: { readonly day: number; left: number } | undefined;

  function begin(day: number, units: readonly number[]): void {
    const night = { day, left: units.length };
    running = night;
    ports.logger.info({ ...fields, day, units: units.length }, 'proof.started');
    for (const id of units) {
      readers.add('proof', {
        what: `proof of ${unitName(id)}`,
        run: async (session) => {
          for (const each of daysWith(day, account)) await proveDay(context, session, id, each);
          night.left -= 1;
        },
      });
    }
  }

  return {
    turn: (units) => {
      if (account.proof.days === 0) return;
      const day = proofDay(memory.providerNowS, account);
      proved ??= day + 1;
      if (running !== undefined && running.left <= 0) {
        proved = running.day + 1;
        running = undefined;
        ports.logger.info({ ...fields, proved, dirty_hours: memory.dirty.size }, 'proof.ended');
      }
      if (running === undefined && day >= proved && units.length > 0) begin(day, units);
    },
    provedDay: () => proved,
  };
}
