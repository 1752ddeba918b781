import { setTimeout as wait } from 'node:timers/promises';
import { round } from '../measure.ts';
import { startRig } from './rig.ts';

const UNITS = 100;
const HISTORY_S = 21_600;
const MESSAGES = UNITS * HISTORY_S;

/** 2.16 million messages of 100 units re-read beside their live data, one message per unit and second. */
export async function backfillCase({
  print,
}: {
  readonly seconds: number;
  readonly print: (line: object) => void;
}): Promise<void> {
  const fleet = ['--units', String(UNITS), '--every-s', '1', '--history-s', String(HISTORY_S)];
  const rig = await startRig([...fleet, '--speed', '1'], { readers: 2, page_messages: 10_000 });
  try {
    const now = await rig.providerNow();
    const cpuBefore = rig.extractor.cpuSeconds();
    await rig.backfill(now - HISTORY_S * 1000, now);
    while ((await rig.messages('backfill')) === 0) await wait(100);
    const started = performance.now();
    let lag = 0;
    let done = 0;
    while (done < MESSAGES * 0.95) {
      await wait(500);
      done = await rig.messages('backfill');
      const health = await rig.health();
      lag = Math.max(lag, ((await rig.providerNow()) - (health?.complete_to ?? 0)) / 1000);
    }
    const took = (performance.now() - started) / 1000;
    const cpu = rig.extractor.cpuSeconds() - cpuBefore;
    print({
      bench: 'wialon',
      case: 'backfill',
      messages: done,
      messages_per_s: Math.round(done / took),
      live_lag_s_worst: round(lag),
      cpu_s_per_million: round((cpu / done) * 1e6),
      peak_rss_mb: Math.round(rig.extractor.peakRssBytes() / 1e6),
    });
  } finally {
    await rig.stop();
  }
}
