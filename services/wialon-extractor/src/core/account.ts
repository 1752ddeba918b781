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
  /** Geofences are read only when an event needs them. */
  readonly wantsZones: boolean;
}

/** Key of pages, and of the live cursor: `<tenant>/<source>/<account>`. */
export function accountKey(account: Account): string {
  return `${account.tenantId}/${account.sourceId}/${account.account}`;
}

/** Key of a cursor; the live feed's without a unit. */
export function cursorKey(account: Account, unit: string | null): string {
  return unit === null ? accountKey(account) : `${accountKey(account)}/${unit}`;
}

/** The unit as everything behind the transformer writes it. */
export function unitName(id: number): string {
  return `wialon:${id}`;
}
