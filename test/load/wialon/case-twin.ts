import assert from 'node:assert/strict';
import { tokenOf } from '@waybill/wialon-twin';
import { processCpuSeconds } from '../ingest/process-cpu.ts';
import { lineOf, type Case, type Figures } from './line.ts';
import type { CaseOptions } from './options.ts';
import { logIn, type RemoteClient } from './remote-client.ts';
import { startTwinProcess } from './twin-process.ts';

const UNITS = 1000;
const EVERY_S = 5;
const HISTORY_S = 3600;
const FIRST_UNIT = 100_001;
const ALL = 0xffff_ffff;
/** Data time between two polls: 20,000 messages. */
const POLL_GAP_S = 100;
const SUBSCRIPTION = { type: 'type', data: 'avl_unit', flags: 0x21, mode: 0 };

const bars = [{ figure: 'messages_per_s', atLeast: 100_000 }];
const INTERVALS: Case = { name: 'twin-intervals', by: 'messages_per_s', bars };
const POLLS: Case = { name: 'twin-polls', by: 'messages_per_s', bars };

/** Messages of an answer; every one has a type. */
const countOf = (answer: string): number => answer.split('"tp":"ud"').length - 1;

async function measured(
  pid: number,
  { seconds, repeat }: CaseOptions,
  ask: () => Promise<number>,
): Promise<Figures[]> {
  await ask();
  const runs: Figures[] = [];
  while (runs.length < repeat) runs.push(await run(pid, seconds, ask));
  return runs;
}

async function run(pid: number, seconds: number, ask: () => Promise<number>): Promise<Figures> {
  const cpuBefore = processCpuSeconds(pid);
  const started = performance.now();
  let messages = 0;
  while (performance.now() - started < seconds * 1000) messages += await ask();
  const took = (performance.now() - started) / 1000;
  const cpu = processCpuSeconds(pid) - cpuBefore;
  return {
    messages,
    seconds: took,
    messages_per_s: messages / took,
    messages_per_cpu_s: messages / cpu,
    cpu_s_per_million: (cpu / messages) * 1e6,
  };
}

/** Whole intervals of one unit after the other: 720 messages an answer. */
function intervals(client: RemoteClient): () => Promise<number> {
  let unit = 0;
  return async () => {
    const itemId = FIRST_UNIT + (unit++ % UNITS);
    const params = { itemId, timeFrom: 0, timeTo: ALL, flags: 0, flagsMask: 0, loadCount: ALL };
    const count = countOf(await client.call('messages/load_interval', params));
    assert.ok(count >= HISTORY_S / EVERY_S - 1, 'messages of an interval');
    return count;
  };
}

/**
 * What the twin alone serves: intervals of a made-up fleet of 1,000 units with an hour of history, and polls of
 * 100 s of its data, made while they are asked for. One client, one call at a time; limits and gzip as always.
 */
export async function twinCase(options: CaseOptions): Promise<void> {
  const fleet = ['--units', String(UNITS), '--every-s', String(EVERY_S), '--latency-ms', '0'];
  const history = await startTwinProcess([
    ...fleet,
    ...['--history-s', String(HISTORY_S), '--clock', 'virtual'],
  ]);
  try {
    const client = await logIn(history.url, tokenOf('fleet'));
    const runs = await measured(history.pid, options, intervals(client));
    client.close();
    options.print(lineOf(INTERVALS, runs));
  } finally {
    await history.stop();
  }
  const live = await startTwinProcess([...fleet, '--clock', 'virtual']);
  try {
    const client = await logIn(live.url, tokenOf('fleet'));
    await client.call('core/update_data_flags', { spec: [SUBSCRIPTION] });
    const poll = async (): Promise<number> => {
      await client.advance(POLL_GAP_S);
      return countOf(await client.call('avl_evts', {}));
    };
    const runs = await measured(live.pid, options, poll);
    client.close();
    options.print(lineOf(POLLS, runs));
  } finally {
    await live.stop();
  }
}
