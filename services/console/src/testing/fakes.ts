// Stand-ins for the ports of the console that are not under test.
import { Fault } from '@waybill/fault';
import type { Outgoing } from '@waybill/stream';
import type { TenantModel } from '@waybill/tenant';
import { sampleTenant } from '@waybill/testkit';
import type { LedgerReader, Ports } from '../ports.ts';

export function transient(): Fault {
  return new Fault('the broker is away', {
    kind: 'transient',
    code: 'BROKER_AWAY',
    stage: 'publish',
  });
}

/** A publisher that keeps what it sent and fails as often as told. */
export function fakePublisher(): {
  readonly publisher: Ports['publisher'];
  readonly sent: Outgoing[];
  readonly failNext: (error: Error, times: number) => void;
} {
  const sent: Outgoing[] = [];
  let failures: Error[] = [];
  return {
    sent,
    failNext: (error, times) => {
      failures = Array.from({ length: times }, () => error);
    },
    publisher: {
      send: async (records) => {
        const failure = failures.shift();
        if (failure) throw failure;
        sent.push(...records);
      },
      close: async () => undefined,
    },
  };
}

export const emptyLedger: LedgerReader = {
  find: async () => [],
  at: async () => [],
  trace: async () => {
    throw new Error('nothing to trace');
  },
  deadLetters: async () => [],
  evidence: async () => ({ fixes: 0, previous_end_time: null, tasks: [], complete_to_time: null }),
  close: async () => undefined,
};

export function ports(control: Ports['control'], change: Partial<Ports> = {}): Ports {
  return {
    control,
    ledger: emptyLedger,
    lookupErp: async () => undefined,
    readPlan: async () => [],
    planPauseMs: 60_000,
    publisher: fakePublisher().publisher,
    reworks: { of: () => [] },
    proposals: { all: () => [] },
    now: () => 1_760_000_000_000,
    streams: { close: async () => undefined },
    logger: { info: () => undefined, warn: () => undefined },
    metrics: { decided: () => undefined, published: () => undefined, planned: () => undefined },
    ...change,
  };
}

export const model: TenantModel = sampleTenant();
