import { setTimeout as wait } from 'node:timers/promises';
import { lineOf, type Case, type Figures } from './line.ts';
import type { CaseOptions } from './options.ts';
import { startRig, type Rig } from './rig.ts';

const UNITS = 100;
const HISTORY_S = 21_600;
const MESSAGES = UNITS * HISTORY_S;

const BACKFILL: Case = {
  name: 'backfill',
  by: 'messages_per_s',
  bars: [
    { figure: 'messages_per_s', atLeast: 20_000 },
    { figure: 'peak_rss_mb', atMost: 250 },
    { figure: 'live_lag_s_worst', atMost: 10 },
    { figure: 'refused_by_limits', atMost: 0 },
  ],
};

async function run(rig: Rig, toMs: number): Promise<Figures> {
  const cpuBefore = rig.extractor.cpuSeconds();
  const refusedBefore = await rig.refusedByLimits();
  const before = await rig.messages('backfill');
  const read = async (): Promise<number> => (await rig.messages('backfill')) - before;
  await rig.backfill(toMs - HISTORY_S * 1000, toMs);
  while ((await read()) === 0) await wait(100);
  const started = performance.now();
  let lag = 0;
  let done = 0;
  while (done < MESSAGES * 0.95) {
    await wait(500);
    done = await read();
    const health = await rig.health();
    lag = Math.max(lag, ((await rig.providerNow()) - (health?.complete_to ?? 0)) / 1000);
  }
  const took = (performance.now() - started) / 1000;
  return {
    messages: done,
    messages_per_s: done / took,
    live_lag_s_worst: lag,
    cpu_s_per_million: ((rig.extractor.cpuSeconds() - cpuBefore) / done) * 1e6,
    peak_rss_mb: rig.extractor.peakRssBytes() / 1e6,
    refused_by_limits: (await rig.refusedByLimits()) - refusedBefore,
  };
}

/** 2.16 million messages of 100 units re-read beside their live data, one message per unit and second. */
export async function backfillCase({ repeat, print }: CaseOptions): Promise<void> {
  const fleet = ['--units', String(UNITS), '--every-s', '1', '--history-s', String(HISTORY_S)];
  const rig = await startRig([...fleet, '--speed', '1'], { readers: 2, page_messages: 10_000 });
  try {
    const now = await rig.providerNow();
    const runs: Figures[] = [];
    while (runs.length < repeat) runs.push(await run(rig, now));
    print(lineOf(BACKFILL, runs));
  } finally {
    await rig.stop();
  }
}
