/** One account at the provider, with what its tenant decided; times in ms. */
export interface Account {
  readonly tenantId: string;
  readonly sourceId: string;
  readonly account: string;
  /** Base address of the Remote API. */
  readonly url: string;
  /** Secret references; the second is tried when the first is refused. */
  readonly tokens: readonly string[];
  /** First instant of the first read. */
  readonly readFromTime: number;
  /** Wall time between two polls. */
  readonly pollIntervalMs: number;
  /** Messages per messages/get_messages. */
  readonly pageMessages: number;
  readonly lookbackMs: number;
  /** What the tenant's events need; nothing else is asked for. */
  readonly wants: {
    readonly messages: boolean;
    readonly sensors: boolean;
    readonly zones: boolean;
    readonly drivers: boolean;
  };
  /** Sessions that read intervals, beside the live one. */
  readonly readers: number;
  /** Which part of a very large account; `count` 1 = all of it. */
  readonly shard: { readonly index: number; readonly count: number };
  /** The share of the provider's limits that this part may take. */
  readonly limits: AccountLimits;
  readonly proof: {
    /** Hour of the day, UTC, at which the past day is counted. */
    readonly hourUtc: number;
    /** Age in days at which a day is counted for the last time; 0 = no proof. */
    readonly days: number;
  };
}

/** What may be asked of the provider per time. */
export interface AccountLimits {
  readonly callsPerS: number;
  readonly messagesPer2Min: number;
  readonly messagesPerHour: number;
  readonly messagesPerDay: number;
}

/** Id under which progress is stated: each shard has its own. */
export function progressId({ sourceId, shard }: Account): string {
  return shard.count === 1 ? sourceId : `${sourceId}-shard-${shard.index}`;
}

/** True when a unit belongs to this part of the account. */
export function isOwnUnit({ shard }: Account, id: number): boolean {
  return id % shard.count === shard.index;
}

/** Key of pages, and of the live cursor: `<tenant>/<source>/<account>[/shard-<n>]`. */
export function accountKey(account: Account): string {
  const key = `${account.tenantId}/${account.sourceId}/${account.account}`;
  return account.shard.count === 1 ? key : `${key}/shard-${account.shard.index}`;
}

/** Key of a cursor; the live feed's without a unit. */
export function cursorKey(account: Account, unit: string | null): string {
  return unit === null ? accountKey(account) : `${accountKey(account)}/${unit}`;
}

/** The unit as everything behind the transformer writes it. */
export function unitName(id: number): string {
  return `wialon:${id}`;
}
