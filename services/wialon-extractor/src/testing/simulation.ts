/** The service on the in-memory log against the twin, both on one virtual clock. */
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { topics, type PageFetched, type SessionChanged } from '@waybill/contracts';
import type { RunningService } from '@waybill/runtime';
import { loadTenant, type TenantModel } from '@waybill/tenant';
import {
  configured,
  createStreamDriver,
  type DrivenService,
  type StreamDriver,
} from '@waybill/testkit';
import {
  madeUpFleets,
  planFaults,
  plannedKinds,
  startTwin,
  tokenOf,
  type FleetSettings,
  type TimedFault,
  type Twin,
} from '@waybill/wialon-twin';
import { post } from '../adapters/http-post.ts';
import { connectWialon } from '../adapters/wialon-http.ts';
import { extractorFault } from '../errors.ts';
import type { Clock, Ports } from '../ports.ts';
import { createService } from '../service.ts';
import { createPorts } from './owner.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** Length of the part with faults, hours. */
  readonly hours: number;
  /** Simulated time after it, in which late messages arrive and proofs run, hours. */
  readonly drainHours: number;
  readonly fleet: FleetSettings;
  /** How often each kind of fault is ordered, or the faults themselves. */
  readonly faults: number | readonly TimedFault[];
  readonly pollIntervalMs: number;
  /** Deaths of instances, evenly over the part with faults; two instances run then. Default none. */
  readonly kills?: number;
  /** How far back intervals are read after a gap; default 24. */
  readonly lookbackHours?: number;
  /** Calls go through a connection; default false. */
  readonly overHttp?: boolean;
  /** Told after each simulated hour how many are over. */
  readonly onHour?: (hour: number) => void;
}

/** What a simulation came to. */
export interface Simulated {
  readonly twin: Twin;
  readonly account: string;
  /** Kinds of the faults that were ordered, as they are counted. */
  readonly ordered: ReadonlySet<string>;
  readonly lookbackHours: number;
  readonly kills: number;
  /** Start of the clock, epoch seconds: what is older was registered before anybody read. */
  readonly startS: number;
  readonly pages: readonly PageFetched[];
  readonly sessions: readonly SessionChanged[];
  readonly lines: readonly string[];
  readonly stop: () => Promise<void>;
}

const ACCOUNT = 'fleet';
const START = '2025-01-06T00:00:00.000Z';
const FIRST_UNIT = 100_001;
const HOUR_MS = 3_600_000;
/** The clock never moves further without looking at what runs. */
const STEP_MS = 10_000;
const ZONES = 20;
/** Ends a run in which a call never comes back. */
const STUCK_TURNS = 5_000_000;

/** Counts calls on the way, so that the clock stands while the far end works. */
class Traffic {
  #running = 0;
  /** Calls that the twin holds back until the clock moves. */
  #held = 0;

  async during<T>(call: Promise<T>): Promise<T> {
    this.#running++;
    try {
      return await call;
    } finally {
      this.#running--;
    }
  }

  async held(wait: Promise<void>): Promise<void> {
    this.#held++;
    try {
      await wait;
    } finally {
      this.#held--;
    }
  }

  get isQuiet(): boolean {
    return this.#running <= this.#held;
  }
}

/** Asks the twin without a connection, which is several times faster; what it answers is the same. */
function without(network: Twin): typeof post {
  return async ({ url, form, signal }) => {
    const asked = await network.ask(new URL(url).pathname, form);
    signal.throwIfAborted();
    if (asked === 'cut') throw Object.assign(new Error('cut'), { code: 'ECONNRESET' });
    return { status: asked.status, body: Buffer.from(asked.body) };
  };
}

function portsOf(
  clock: Clock,
  traffic: Traffic,
  send: typeof post,
): Omit<Ports, 'streams'> & { lines: string[] } {
  const { ports, lines } = createPorts(clock, async (reference) =>
    tokenOf(ACCOUNT, reference.endsWith('2') ? 2 : 1),
  );
  const wialon = connectWialon(clock, send);
  return {
    ...ports,
    lines,
    wialon: { call: (...call) => traffic.during(wialon.call(...call)) },
  };
}

/** Simulates the hours; `stop` ends the service and the twin. */
export async function simulate(options: SimulationOptions): Promise<Simulated> {
  const {
    pollIntervalMs,
    seed,
    hours,
    drainHours,
    fleet,
    faults,
    kills = 0,
    lookbackHours = 24,
  } = options;
  const driver = await createStreamDriver({ startMs: Date.parse(START) });
  const traffic = new Traffic();
  const clock: Clock = {
    now: driver.clock.now,
    wait: async (ms, signal) => {
      await driver.clock.wait(ms, signal);
      if (signal.aborted) throw extractorFault('STOPPED', 'stopped while waiting');
    },
  };
  const durationS = (hours + drainHours) * 3600;
  const scenario = madeUpFleets({ accounts: [ACCOUNT], fleet, baseTime: START, durationS });
  const unitIds = Array.from({ length: fleet.units }, (_, index) => FIRST_UNIT + index);
  const zoneIds = Array.from({ length: Math.min(fleet.units, ZONES) }, (_, index) => index + 1);
  const orders =
    typeof faults !== 'number'
      ? faults
      : planFaults({
          seed,
          account: ACCOUNT,
          unitIds,
          zoneIds,
          // The first reading is through by then; the last fault leaves half an hour to mend.
          fromS: 600,
          toS: hours * 3600 - 1800,
          times: faults,
        });
  const twin = await startTwin({
    scenario,
    seed,
    speed: 1,
    nowMs: driver.clock.now,
    latencyMs: 0,
    sleep: (ms) => traffic.held(driver.clock.wait(ms)),
    faults: orders,
  });
  const { lines, ...ports } = portsOf(
    clock,
    traffic,
    options.overHttp === true ? post : without(twin),
  );
  const instances: DrivenService<RunningService>[] = [];
  const stop = async (): Promise<void> => {
    for (const instance of instances) await instance.stop();
    await twin.close();
  };
  try {
    while (instances.length < (kills > 0 ? 2 : 1)) {
      instances.push(await driver.start((streams) => createService({ ...ports, streams })));
    }
    const model = await tenantOf(twin.url, { pollIntervalMs, lookbackHours });
    const value = configured(model, { applied_time: driver.clock.now() });
    await driver.pipe(topics.tenantConfig, [
      { key: ACCOUNT, message: { type: 'TenantConfigured', value } },
    ]);
    await pass({ driver, traffic, instances, options });
    const pages = (await driver.read(topics.wialonPage)).flatMap(({ message }) =>
      message?.type === 'PageFetched' ? [message.value] : [],
    );
    const audit = await driver.read(topics.wialonSession);
    return {
      twin,
      account: ACCOUNT,
      ordered: plannedKinds(orders),
      lookbackHours,
      kills,
      startS: Date.parse(START) / 1000,
      pages,
      sessions: audit.flatMap(({ message }) => (message === null ? [] : [message.value])),
      lines,
      stop,
    };
  } catch (error) {
    // What listens would keep the process of a failed test.
    await stop();
    throw error;
  }
}

/** Lets the hours go by, with their deaths. */
async function pass(simulation: {
  readonly driver: StreamDriver;
  readonly traffic: Traffic;
  readonly instances: readonly DrivenService<RunningService>[];
  readonly options: SimulationOptions;
}): Promise<void> {
  const { driver, traffic, instances, options } = simulation;
  const { hours, drainHours, kills = 0 } = options;
  const startMs = driver.clock.now();
  const killEveryMs = (hours * HOUR_MS) / (kills + 1);
  let killed = 0;
  let told = 0;
  while (driver.clock.now() < startMs + (hours + drainHours) * HOUR_MS) {
    if (killed < kills && driver.clock.now() >= startMs + (killed + 1) * killEveryMs) {
      // In the middle of whatever it does: a call may be on its way.
      await instances[killed % instances.length]?.restart();
      killed++;
    }
    await driver.advance(STEP_MS);
    const hour = Math.floor((driver.clock.now() - startMs) / HOUR_MS);
    if (hour > told) options.onHour?.(hour);
    told = hour;
    for (let turns = 0; !traffic.isQuiet; turns++) {
      assert.ok(turns < STUCK_TURNS, 'a call does not come back');
      await turn();
      if (traffic.isQuiet) await driver.settle();
    }
  }
}

/** A tenant of the repository, with account `fleet` of a twin as its source. */
export async function tenantOf(
  url: string,
  {
    pollIntervalMs,
    lookbackHours,
  }: { readonly pollIntervalMs: number; readonly lookbackHours: number },
): Promise<TenantModel> {
  const folder = new URL('../../../../deploy/tenants/hudson-waste', import.meta.url).pathname;
  const { model } = await loadTenant(folder);
  const [source] = model.sources;
  assert.ok(source?.kind === 'wialon');
  return {
    ...model,
    tenant_id: ACCOUNT,
    sources: [
      {
        ...source,
        account: ACCOUNT,
        url,
        tokens: ['secret://files/fleet#token_1', 'secret://files/fleet#token_2'],
        read_from: new Date(Date.parse(START) - HOUR_MS).toISOString(),
        poll_interval_ms: pollIntervalMs,
        gap_lookback_hours: lookbackHours,
      },
    ],
  };
}
