import { setTimeout as wait } from 'node:timers/promises';
import { call } from '../../demo/http.ts';
import { round } from '../measure.ts';
import { startRig, type Rig } from './rig.ts';

const UNITS = 10_000;
const EVERY_S = 5;
/** The gap is made in so many seconds of wall time, by a faster data clock. */
const GAP_WALL_S = 3;
const GAP_S = 300;
const GAP_LIMIT_S = 600;
const SAMPLE_MS = 1000;

interface Lags {
  /** Provider's clock less what is published of the live feed, s. */
  readonly live: number[];
  /** Provider's clock less what is complete, s. */
  readonly complete: number[];
}

async function sample(rig: Rig, lags: Lags): Promise<number> {
  const [now, health] = await Promise.all([rig.providerNow(), rig.health()]);
  lags.live.push((now - (health?.heard_to ?? 0)) / 1000);
  const complete = (now - (health?.complete_to ?? 0)) / 1000;
  lags.complete.push(complete);
  await wait(SAMPLE_MS);
  return complete;
}

/** Greatest of what was measured; the first samples belong to the waking up. */
const worst = (values: readonly number[]): number => round(Math.max(...values));

/**
 * 10,000 units at a message per 5 s and one instance: lag while live; then every session is lost together with
 * 5 min of messages, and the time until the account is complete again, with the lag of the live feed meanwhile.
 */
export async function liveCase(options: {
  readonly seconds: number;
  readonly print: (line: object) => void;
}): Promise<void> {
  const fleet = ['--units', String(UNITS), '--every-s', String(EVERY_S), '--speed', '1'];
  const rig = await startRig(fleet, {
    readers: 10,
    page_messages: 10_000,
    gap_lookback_hours: 0.02,
  });
  try {
    const steady: Lags = { live: [], complete: [] };
    const cpuBefore = rig.extractor.cpuSeconds();
    const before = await rig.messages('live');
    const started = performance.now();
    while (performance.now() - started < options.seconds * 1000) await sample(rig, steady);
    const took = (performance.now() - started) / 1000;
    const messages = (await rig.messages('live')) - before;
    const cpu = rig.extractor.cpuSeconds() - cpuBefore;
    options.print({
      bench: 'wialon',
      case: 'live',
      units: UNITS,
      messages_per_s: Math.round(messages / took),
      lag_s_worst: worst(steady.complete),
      cpu_s_per_million: round((cpu / Math.max(1, messages)) * 1e6),
      peak_rss_mb: Math.round(rig.extractor.peakRssBytes() / 1e6),
    });
    rig.extractor.signal('SIGSTOP');
    await call(`${rig.twin.url}/twin/fault`, { kind: 'expire_sessions' });
    await call(`${rig.twin.url}/twin/clock`, { speed: GAP_S / GAP_WALL_S });
    await wait(GAP_WALL_S * 1000);
    await call(`${rig.twin.url}/twin/clock`, { speed: 1 });
    rig.extractor.signal('SIGCONT');
    const gap: Lags = { live: [], complete: [] };
    const lost = performance.now();
    let seconds = 0;
    do {
      const complete = await sample(rig, gap);
      seconds = (performance.now() - lost) / 1000;
      if (complete < 10) break;
    } while (seconds < GAP_LIMIT_S);
    options.print({
      bench: 'wialon',
      case: 'gap',
      units: UNITS,
      gap_s: GAP_S,
      closed_in_s: round(seconds),
      // The new session is open within the first seconds.
      live_lag_s_worst_after_10_s: worst(gap.live.slice(10)),
      messages_read: await rig.messages('interval'),
      peak_rss_mb: Math.round(rig.extractor.peakRssBytes() / 1e6),
    });
  } finally {
    await rig.stop();
  }
}
