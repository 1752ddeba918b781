import type { Runner } from '@waybill/stream';
import type { Client, RunSetting } from './clients.ts';
import { cpuSeconds, memoryMib, round } from '../measure.ts';
import { topicsOf, type Counted, type WindowCounted } from './topics.ts';
import type { StoreCodec, Streams, TaskContext } from '@waybill/stream';

/** What a run at rest found besides the common figures. */
export interface AtRest {
  /** From the start of the runner until it reads, seconds. */
  readonly ready_s: number;
  readonly cpu_percent?: number;
  readonly rss_mib?: number;
}

const POLL_MS = 20;
const SETTLE_MS = 5_000;
const OBSERVE_MS = 20_000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The window service without work, and the seconds until it is ready. */
async function startWindows(
  { run }: RunSetting,
  streams: Streams,
  onTask: (context: TaskContext<WindowCounted>) => void,
): Promise<{ readonly runner: Runner; readonly readyS: number }> {
  const { sampled, windows, windowState, deadLetter } = topicsOf(run);
  const store: StoreCodec<WindowCounted> = {
    changelog: windowState,
    toMessage: (value): Counted => ({ type: 'WindowCounted', value }),
    fromMessage: (message) => message.value as WindowCounted,
  };
  const startedAt = performance.now();
  const runner = await streams.transact<WindowCounted>({
    service: `rest-${run}`,
    inputs: [sampled],
    outputs: [windows],
    deadLetter,
    store,
    createTask: (context) => {
      onTask(context);
      return { handle: () => undefined };
    },
  });
  while (!runner.ready()) await Promise.race([runner.done, sleep(POLL_MS)]);
  return { runner, readyS: round((performance.now() - startedAt) / 1_000, 2) };
}

/** Reads the changelog of all tasks back; the meter counts restored records. */
export const restore: Client = async ({ setting, streams, meter }) => {
  let entries = 0;
  let samples = 0;
  const { runner, readyS } = await startWindows(setting, streams, ({ store }) => {
    for (const [, value] of store.entries()) {
      entries += 1;
      samples += value.samples;
    }
  });
  const result = await meter.finished;
  await runner.stop();
  return { ...result, ready_s: readyS, digest: `${entries}|${samples}` };
};

/** CPU and memory of a service whose inputs are empty. */
export const idle: Client = async ({ setting, streams }) => {
  const { runner, readyS } = await startWindows(setting, streams, () => undefined);
  await sleep(SETTLE_MS);
  const startedAt = performance.now();
  const cpu = cpuSeconds();
  await sleep(OBSERVE_MS);
  const share = (cpuSeconds() - cpu) / ((performance.now() - startedAt) / 1_000);
  const rss = memoryMib('VmRSS');
  await runner.stop();
  return { ready_s: readyS, cpu_percent: round(share * 100, 2), rss_mib: rss };
};
