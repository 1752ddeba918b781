import { createHmac } from 'node:crypto';
import type { Scenario } from '@waybill/wialon-twin';
import type { System } from './system.ts';

/** A status that the demo's dispatch system pushes to ingest. */
interface Push {
  /** Data time at which it is sent, seconds since the start of the recording. */
  readonly at: number;
  readonly key: string;
  readonly order: string;
  readonly status: string;
  /** Data time at which the status was reached. */
  readonly reached: number;
}

const tenant = 'bay-cabs';
const ladder = ['started', 'arrived', 'departed', 'completed'];

/** Orders of deploy/tenants/bay-cabs/erp/seed.sql that the demo moves. */
const orders: readonly string[] = ['ORD-1001', 'ORD-1002', 'ORD-1003', 'ORD-1004'];

/**
 * Every order climbs the ladder; the second status of each is pushed after the third (out of order),
 * and every third push is repeated under its key, as senders do after a time-out.
 */
function planPushes(scenario: Scenario): readonly Push[] {
  const pushes: Push[] = [];
  const last = scenario.cut_s * 0.9;
  for (const [o, order] of orders.entries()) {
    for (const [s, status] of ladder.entries()) {
      const reached = Math.floor((last * (s + 1)) / (ladder.length + 1)) + o * 60;
      const at = s === 1 ? Math.floor((last * 3.2) / (ladder.length + 1)) + o * 60 : reached + 5;
      pushes.push({ at, key: `${order}-${status}`, order, status, reached });
    }
  }
  const repeats = pushes
    .filter((_, i) => i % 3 === 0)
    .map((push) => ({ ...push, at: push.at + 90 }));
  return [...pushes, ...repeats].toSorted((a, b) => a.at - b.at);
}

/** Status and time that each order must have in the ERP at the end: the newest by time reached. */
export function expectedOrders(
  scenario: Scenario,
): readonly { readonly order: string; readonly status: string; readonly time: number }[] {
  const newest = new Map<string, Push>();
  for (const push of planPushes(scenario)) {
    const known = newest.get(push.order);
    if (known === undefined || push.reached > known.reached) newest.set(push.order, push);
  }
  const base = baseOf(scenario);
  return [...newest].map(([order, push]) => ({
    order,
    status: push.status,
    time: base + push.reached * 1000,
  }));
}

function baseOf(scenario: Scenario): number {
  const account = scenario.accounts.find((candidate) => candidate.tenant === tenant);
  return Date.parse(account?.base_time ?? '');
}

function sign(secret: string, body: string, now: number): string {
  const t = Math.floor(now / 1000);
  const digest = createHmac('sha256', secret).update(`${t}.${body}`).digest('hex');
  return `t=${t},s=sha256=${digest}`;
}

async function post(
  system: System,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  const response = await fetch(system.webhookUrl, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'x-waybill-source': `${tenant}/dispatch`,
      ...headers,
    },
    signal: AbortSignal.timeout(10_000),
  });
  await response.arrayBuffer();
  return response.status;
}

/** Counters of the dispatch system. */
export interface DispatchCounts {
  sent: number;
  accepted: number;
  retried: number;
  refused: number;
}

/** A dispatch system that pushes each status until it was accepted, as the data clock goes on. */
export interface Dispatch {
  readonly counts: DispatchCounts;
  /** Sends what is due at `elapsed`; resolves when all of it was accepted. */
  readonly advance: (elapsed: number) => Promise<void>;
  /** A forged request: must be answered 401 and leave no trace. */
  readonly forge: () => Promise<number>;
}

/** Starts the demo's dispatch system for the bay-cabs tenant. */
export function startDispatch(system: System, scenario: Scenario): Dispatch {
  const base = baseOf(scenario);
  const waiting = [...planPushes(scenario)];
  const counts: DispatchCounts = { sent: 0, accepted: 0, retried: 0, refused: 0 };

  async function push(due: Push): Promise<void> {
    const body = JSON.stringify({
      event: 'trip.status.changed',
      id: due.key,
      data: {
        trip_id: due.order,
        status: due.status,
        ts: new Date(base + due.reached * 1000).toISOString(),
      },
    });
    counts.sent += 1;
    for (let attempt = 0; ; attempt += 1) {
      system.failed.throwIfAborted();
      // A sender keeps signature and key when it repeats a request that it has no answer to.
      const headers = {
        'x-signature': sign(system.webhookSecret, body, Date.now()),
        'idempotency-key': due.key,
      };
      const status = await post(system, body, headers).catch(() => 0);
      if (status >= 200 && status < 300) {
        counts.accepted += 1;
        return;
      }
      if (status >= 400 && status < 500 && status !== 409 && status !== 429) {
        counts.refused += 1;
        return;
      }
      counts.retried += 1;
      if (attempt > 300) throw new Error(`ingest did not accept ${due.key} in 300 attempts`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  let running: Promise<void> = Promise.resolve();
  return {
    counts,
    advance: (elapsed) => {
      running = running.then(async () => {
        for (let next = waiting[0]; next !== undefined && next.at <= elapsed; next = waiting[0]) {
          waiting.shift();
          await push(next);
        }
      });
      return running;
    },
    forge: () =>
      post(system, '{"event":"trip.status.changed","id":"x","data":{}}', {
        'x-signature': sign('not the secret', 'something else', Date.now()),
        'idempotency-key': 'forged-1',
      }),
  };
}
