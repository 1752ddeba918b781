import { setTimeout as wait } from 'node:timers/promises';
import { call } from '../../demo/http.ts';
import { lineOf, type Case, type Figures } from './line.ts';
import type { CaseOptions } from './options.ts';
import { startRig, type Rig } from './rig.ts';

const EVERY_S = 5;
/** The gap is made in so many seconds of wall time, by a faster data clock. */
const GAP_WALL_S = 3;
const GAP_S = 300;
/** A gap that is not closed by then is given up: the line says so by missing its bar. */
const GAP_LIMIT_S = 900;
/** The gap is closed when what is complete is so near to the provider's clock, s. */
const CLOSED_S = 10;
/** Within these the new session opens, s. */
const OPENING_S = 10;
const SAMPLE_MS = 1000;
const TOLD_EVERY = 15;
/** Each adds a tenth of a second's calls to what the account may ask: 21 sessions, 210 calls/s. */
const READERS = 20;

const liveOf = (units: number): Case => ({
  name: 'live',
  by: 'lag_s_worst',
  bars: [
    { figure: 'lag_s_worst', atMost: 10 },
    { figure: 'messages_per_s', atLeast: (units / EVERY_S) * 0.98 },
    { figure: 'refused_by_limits', atMost: 0 },
  ],
});
const GAP: Case = {
  name: 'gap',
  by: 'closed_in_s',
  bars: [
    { figure: 'closed_in_s', atMost: 600 },
    { figure: 'live_lag_s_worst', atMost: 10 },
    { figure: 'refused_by_limits', atMost: 0 },
  ],
};

/** Seconds between the provider's clock and what is published. */
interface Lag {
  /** Of the live feed. */
  readonly live: number;
  /** Of what is complete. */
  readonly complete: number;
}

async function lagOf(rig: Rig): Promise<Lag> {
  const [now, health] = await Promise.all([rig.providerNow(), rig.health()]);
  return {
    live: (now - (health?.heard_to ?? 0)) / 1000,
    complete: (now - (health?.complete_to ?? 0)) / 1000,
  };
}

const worst = (values: readonly number[]): number => Math.max(0, ...values);

async function liveRun(rig: Rig, seconds: number): Promise<Figures> {
  const lags: Lag[] = [];
  const cpuBefore = rig.extractor.cpuSeconds();
  const refusedBefore = await rig.refusedByLimits();
  const before = await rig.messages('live');
  const started = performance.now();
  while (performance.now() - started < seconds * 1000) {
    lags.push(await lagOf(rig));
    await wait(SAMPLE_MS);
  }
  const messages = (await rig.messages('live')) - before;
  const took = (performance.now() - started) / 1000;
  const cpu = rig.extractor.cpuSeconds() - cpuBefore;
  return {
    seconds: took,
    messages_per_s: messages / took,
    lag_s_worst: worst(lags.map(({ complete }) => complete)),
    cpu_s_per_million: (cpu / Math.max(1, messages)) * 1e6,
    peak_rss_mb: rig.extractor.peakRssBytes() / 1e6,
    refused_by_limits: (await rig.refusedByLimits()) - refusedBefore,
  };
}

/** Every session is lost while the extractor sleeps, and five minutes go by. */
async function loseEverything(rig: Rig): Promise<void> {
  rig.extractor.signal('SIGSTOP');
  await call(`${rig.twin.url}/twin/fault`, { kind: 'expire_sessions' });
  await call(`${rig.twin.url}/twin/clock`, { speed: GAP_S / GAP_WALL_S });
  await wait(GAP_WALL_S * 1000);
  await call(`${rig.twin.url}/twin/clock`, { speed: 1 });
  rig.extractor.signal('SIGCONT');
}

async function gapRun(rig: Rig): Promise<Figures> {
  const cpuBefore = rig.extractor.cpuSeconds();
  const refusedBefore = await rig.refusedByLimits();
  const readBefore = await rig.messages('interval');
  await loseEverything(rig);
  const started = performance.now();
  const live: number[] = [];
  let seconds = 0;
  for (let lag = await lagOf(rig); lag.complete >= CLOSED_S; lag = await lagOf(rig)) {
    seconds = (performance.now() - started) / 1000;
    if (seconds > GAP_LIMIT_S) break;
    if (seconds > OPENING_S) live.push(lag.live);
    if (live.length % TOLD_EVERY === 1) {
      const read = (await rig.messages('interval')) - readBefore;
      console.error(
        `gap: ${Math.round(seconds)} s, ${read} messages read, live lag ${lag.live.toFixed(1)} s`,
      );
    }
    await wait(SAMPLE_MS);
  }
  return {
    gap_s: GAP_S,
    closed_in_s: (performance.now() - started) / 1000,
    live_lag_s_worst: worst(live),
    messages_read: (await rig.messages('interval')) - readBefore,
    cpu_s: rig.extractor.cpuSeconds() - cpuBefore,
    peak_rss_mb: rig.extractor.peakRssBytes() / 1e6,
    refused_by_limits: (await rig.refusedByLimits()) - refusedBefore,
  };
}

/**
 * 10,000 units at a message per 5 s and one instance: lag while live; then every session is lost together with
 * 5 min of messages, and the time until the account is complete again, with the lag of the live feed meanwhile.
 */
export async function liveCase({ seconds, repeat, units, print }: CaseOptions): Promise<void> {
  const fleet = ['--units', String(units), '--every-s', String(EVERY_S), '--speed', '1'];
  const rig = await startRig(fleet, {
    readers: READERS,
    page_messages: 10_000,
    gap_lookback_hours: 0.02,
  });
  try {
    const live: Figures[] = [];
    while (live.length < repeat) live.push(await liveRun(rig, seconds));
    print({ ...lineOf(liveOf(units), live), units });
    const gaps: Figures[] = [];
    while (gaps.length < repeat) gaps.push(await gapRun(rig));
    print({ ...lineOf(GAP, gaps), units });
  } finally {
    await rig.stop();
  }
}
