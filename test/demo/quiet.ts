import { topics, type Topic } from '@waybill/contracts';
import { until } from '@waybill/testkit';
import { call } from './http.ts';
import type { ServiceName, System } from './system.ts';

interface Health {
  readonly ready: boolean;
  readonly positions: readonly { topic: string; partition: number; next: string }[];
  /** By `<tenant>/<source>/<account>`. */
  readonly accounts?: Readonly<Record<string, { readonly complete_to: number | null }>>;
  readonly due?: number;
  readonly in_flight?: number;
  readonly outbox?: number;
}

const t = topics;

/** Data flows left to right: a stage is looked at only after the stages before it were quiet. */
const stages: readonly (readonly [ServiceName, readonly Topic[]])[] = [
  ['transformer', [t.wialonPage, t.webhookRaw]],
  ['detector', [t.position]],
  ['erp-sink', [t.trip, t.siteVisit, t.tripStatus]],
  ['reconciler', [t.wialonPage, t.position, t.trip, t.siteVisit, t.tripStatus, t.delivery, t.task]],
];

async function healthOf(system: System, name: ServiceName): Promise<Health> {
  return call<Health>(`${system.url(name)}/health`);
}

/** True when the service has read everything that its topics held when asked. */
async function caughtUp(
  system: System,
  name: ServiceName,
  inputs: readonly Topic[],
): Promise<boolean> {
  const ends = await system.admin.ends(inputs);
  const { ready, positions } = await healthOf(system, name);
  if (!ready) return false;
  const next = new Map(positions.map((p) => [`${p.topic}/${p.partition}`, BigInt(p.next)]));
  for (const [partition, end] of ends) {
    if (end > 0n && (next.get(partition) ?? -1n) < end) return false;
  }
  return true;
}

/**
 * Waits until everything that the provider registered up to the held data clock stands in the ERP:
 * the extractor's progress has reached it, no group has lag, and the inbox has nothing due.
 */
export async function untilQuiet(
  system: System,
  target: ReadonlyMap<string, number>,
  deadlineMs = 120_000,
): Promise<void> {
  const options = { deadlineMs, everyMs: 50, signal: system.failed };
  await until(
    'the extractor to have read everything',
    async () => {
      const { accounts = {} } = await healthOf(system, 'wialon-extractor');
      const reached = new Map(
        Object.entries(accounts).map(([key, { complete_to }]) => [
          key.slice(key.lastIndexOf('/') + 1),
          complete_to ?? 0,
        ]),
      );
      return [...target].every(([account, at]) => (reached.get(account) ?? 0) >= at);
    },
    options,
  );
  for (const [name, inputs] of stages) {
    await until(`${name} to catch up`, () => caughtUp(system, name, inputs), options);
    if (name === 'erp-sink') {
      await until(
        'the inbox to have nothing due',
        async () => {
          const { due, in_flight, outbox } = await healthOf(system, 'erp-sink');
          return due === 0 && (in_flight ?? 0) === 0 && outbox === 0;
        },
        options,
      );
    }
  }
}
