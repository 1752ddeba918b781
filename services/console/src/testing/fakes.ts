// Stand-ins for the ports of the console that are not under test.
import { Fault } from '@waybill/fault';
import type { Outgoing } from '@waybill/stream';
import type { TenantModel } from '@waybill/tenant';
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
    publisher: fakePublisher().publisher,
    reworks: { of: () => [] },
    now: () => 1_760_000_000_000,
    streams: { close: async () => undefined },
    logger: { info: () => undefined, warn: () => undefined },
    metrics: { decided: () => undefined, published: () => undefined },
    ...change,
  };
}

export const model: TenantModel = {
  tenant_id: 'hudson-waste',
  company: {
    company_id: 'hudson-waste',
    name: 'Hudson Waste',
    zone: 'America/New_York',
    currency: 'USD',
    grace_hours: 6,
    closed_period: 'amend',
  },
  sources: [
    {
      source_id: 'wialon',
      kind: 'wialon',
      account: 'hudson-waste',
      url: 'http://127.0.0.1:8180',
      tokens: ['secret://files/hudson-waste#token'],
      read_from: '2015-12-09T21:39:00Z',
      poll_interval_ms: 1000,
      page_messages: 200,
      gap_lookback_hours: 24,
    },
  ],
  events: { trip: 'off', site_visit: 'off', trip_status: 'off' },
  detection: {
    movement_source: 'position',
    min_speed_kmh: 5,
    stay_time_s: 300,
    min_trip_distance_m: 500,
    silence_s: 600,
    visit_confirm_fixes: 2,
    visit_silence_h: 120,
  },
  erp: {
    target: 'erp',
    adapter: 'postgres',
    url: 'secret://files/hudson-waste#erp_url',
    max_writes_per_s: 2000,
  },
  ownership: [],
  mappings: [],
};
