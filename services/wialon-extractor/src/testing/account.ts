import type { Account } from '../core/account.ts';

/** An account with limits that nothing reaches; one reader, no proof. */
export function testAccount(change: Partial<Account> & Pick<Account, 'url'>): Account {
  return {
    tenantId: 'bay-cabs',
    sourceId: 'fleet',
    account: 'cabs',
    tokens: ['secret://files/a#token'],
    readFromTime: 0,
    pollIntervalMs: 2000,
    pageMessages: 1000,
    lookbackMs: 600_000,
    wants: { messages: true, sensors: false, zones: false, drivers: false },
    readers: 1,
    shard: { index: 0, count: 1 },
    limits: {
      callsPerS: 1e6,
      messagesPer2Min: 1e12,
      messagesPerHour: 1e12,
      messagesPerDay: 1e12,
    },
    proof: { hourUtc: 1, days: 0 },
    ...change,
  };
}
