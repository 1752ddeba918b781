import type { TwinAccount } from '../items.ts';
import { tracksOf, type Track } from '../trips.ts';
import type { IpsFix } from './ips-packet.ts';
import { IpsSender, type IpsTarget } from './ips-sender.ts';
import { Notifier, pushText } from './notifier.ts';

/** Tries of one push, with a second between them: what fails then is lost, as it is with the provider. */
const PUSH_TRIES = 3;
const PUSH_WAIT_MS = 1000;
const PUSH_TIMEOUT_MS = 10_000;

/** Fixes that a tracker keeps while nobody takes them: the oldest are dropped, as in a black box. */
const BACKLOG_LIMIT = 10_000;

export interface DeliveryOptions {
  readonly accounts: readonly TwinAccount[];
  readonly ips: IpsTarget | undefined;
  /** Whole elapsed seconds of the data clock. */
  readonly elapsedS: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Fixes that wait per tracker at most. Default 10,000. */
  readonly backlogLimit?: number;
}

/** How much was sent. */
export interface Delivered {
  readonly pushed: number;
  readonly push_failed: number;
  readonly ips_sent: number;
  readonly ips_failed: number;
  /** Fixes that were dropped because too many waited. */
  readonly ips_dropped: number;
}

function fixOf({ t, lat, lon, speed, course, parameters }: Track): IpsFix {
  const plain = Object.entries(parameters).filter(
    (entry): entry is [string, number | string] =>
      typeof entry[1] === 'number' || typeof entry[1] === 'string',
  );
  return { t, lat, lon, speed, course, parameters: Object.fromEntries(plain) };
}

/**
 * Sends what is registered: notifications that go off are pushed over HTTP, and all messages go to a receiver
 * of Wialon IPS. One run at a time; a message is taken once, a failed black box is sent again in the next run.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #cursors = new Map<TwinAccount, number>();
  readonly #notifiers: ReadonlyMap<TwinAccount, Notifier>;
  readonly #ips: IpsSender | undefined;
  readonly #backlog = new Map<string, IpsFix[]>();
  readonly #delivered = { pushed: 0, push_failed: 0, ips_sent: 0, ips_failed: 0, ips_dropped: 0 };
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#ips = options.ips === undefined ? undefined : new IpsSender(options.ips);
    this.#notifiers = new Map(options.accounts.map((one) => [one, new Notifier(one)]));
    for (const account of options.accounts) {
      this.#cursors.set(account, account.store.registered(this.#now(account)));
    }
  }

  /** Whether anything is sent anywhere. */
  get isActive(): boolean {
    return (
      this.#ips !== undefined || this.#options.accounts.some((one) => one.pushUrl !== undefined)
    );
  }

  report(): Delivered {
    return { ...this.#delivered };
  }

  /** Sends everything registered by now; resolves when it is through. */
  async run(): Promise<void> {
    await this.#running;
    this.#running = this.#send();
    await this.#running;
  }

  /** What is under way ends with its next step. */
  close(): void {
    this.#isClosed = true;
    this.#ips?.close();
  }

  #now({ store }: TwinAccount): number {
    return store.base + this.#options.elapsedS();
  }

  async #send(): Promise<void> {
    for (const account of this.#options.accounts) {
      const { store } = account;
      const [from, to] = [this.#cursors.get(account) ?? 0, store.registered(this.#now(account))];
      this.#cursors.set(account, to);
      for (let g = from; g < to; g++) {
        if (this.#isClosed) return;
        const { unitId } = store.message(g);
        const [track] = tracksOf(store, [g]);
        if (track === undefined) continue;
        if (account.pushUrl !== undefined) await this.#push(account, unitId, track);
        if (this.#ips === undefined) continue;
        this.#keep(account.items.get(unitId)?.uniqueId ?? String(unitId), fixOf(track));
      }
    }
    await this.#sendBacklog();
  }

  #keep(id: string, fix: IpsFix): void {
    const waiting = this.#backlog.get(id) ?? [];
    this.#backlog.set(id, waiting);
    waiting.push(fix);
    if (waiting.length <= (this.#options.backlogLimit ?? BACKLOG_LIMIT)) return;
    waiting.shift();
    this.#delivered.ips_dropped++;
  }

  async #sendBacklog(): Promise<void> {
    for (const [id, fixes] of this.#backlog) {
      if (this.#isClosed) return;
      try {
        await this.#ips?.send(id, fixes);
        this.#delivered.ips_sent += fixes.length;
        this.#backlog.delete(id);
      } catch {
        // Kept like in a tracker's memory; counted, because nobody else tells.
        this.#delivered.ips_failed++;
      }
    }
  }

  async #push(account: TwinAccount, unitId: number, track: Track): Promise<void> {
    const name = account.items.get(unitId)?.name ?? '';
    for (const alert of this.#notifiers.get(account)?.judge(unitId, track) ?? []) {
      if (this.#isClosed) return;
      const isThrough = await this.#post(account.pushUrl ?? '', pushText(alert, name));
      if (isThrough) this.#delivered.pushed++;
      else this.#delivered.push_failed++;
    }
  }

  async #post(url: string, body: string): Promise<boolean> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    for (let attempt = 1; attempt <= PUSH_TRIES; attempt++) {
      try {
        const signal = AbortSignal.timeout(PUSH_TIMEOUT_MS);
        const response = await fetch(url, { method: 'POST', headers, body, signal });
        await response.arrayBuffer();
        if (response.ok) return true;
      } catch {
        // No answer: as good as a refusal.
      }
      if (this.#isClosed) return false;
      if (attempt < PUSH_TRIES) await this.#options.sleep(PUSH_WAIT_MS);
    }
    return false;
  }
}
