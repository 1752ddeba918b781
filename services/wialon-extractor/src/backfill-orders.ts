import {
  topics,
  type Message,
  type ReworkCancelled,
  type ReworkRequested,
  type Topic,
} from '@waybill/contracts';
import type { Account } from './core/account.ts';

/** Scope of a command for all units. */
export const ALL_UNITS = '*';

/** A range to be read again. */
export interface BackfillOrder {
  readonly command: ReworkRequested;
  readonly cancelled: boolean;
}

/** The back-fills that people asked for. */
export interface BackfillOrders {
  /** Takes a record of the command topic. */
  readonly apply: (topic: Topic, key: string, message: Message | null) => void;
  /** Those that concern an account, oldest first. */
  readonly of: (account: Account) => readonly BackfillOrder[];
}

/** What a key names within an account: a unit, or `*` for the account or its tenant; else undefined. */
export function scopeOf(key: string | null, account: Account): string | undefined {
  const { tenantId, sourceId, account: name } = account;
  const all = [tenantId, `${tenantId}/${sourceId}`, `${tenantId}/${sourceId}/${name}`];
  if (key === null) return undefined;
  if (all.includes(key)) return ALL_UNITS;
  const [tenant, unit, ...rest] = key.split('/');
  return tenant === tenantId && unit?.startsWith('wialon:') === true && rest.length === 0
    ? unit
    : undefined;
}

/** Follows the command topic; at most its retention of commands, some hundred bytes each. */
export function createBackfillOrders(): BackfillOrders {
  const commands = new Map<string, ReworkRequested>();
  const cancelled = new Set<string>();
  return {
    apply: (topic, _key, message) => {
      if (topic.name !== topics.extractorRework.name || message === null) return;
      // The two contracts of this topic.
      const value = message.value as ReworkRequested | ReworkCancelled;
      if (message.type === 'ReworkCancelled') cancelled.add(value.rework_id);
      else commands.set(value.rework_id, value as ReworkRequested);
    },
    of: (account) =>
      [...commands.values()]
        .filter((command) => scopeOf(command.key, account) !== undefined)
        .toSorted((a, b) => a.requested_time - b.requested_time)
        .map((command) => ({ command, cancelled: cancelled.has(command.rework_id) })),
  };
}
