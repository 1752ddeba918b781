import type { Stack } from '@waybill/stack';
import { hasPeers, runPeer } from '../peers.ts';
import type { Bench } from './cases.ts';
import { javaConsume, javaProduce } from './java-client.ts';

export interface PeerOptions {
  readonly stack: Stack;
  readonly bench: Bench;
  readonly repeat: number;
  readonly valueBytes: number;
}

/** Peers by our case: what runs, and what it does otherwise than we do. */
const peers: Readonly<
  Record<string, readonly { readonly peer: string; readonly note?: string }[]>
> = {
  'transact-map': [{ peer: 'streams transform-eos' }],
  'transact-window': [{ peer: 'streams windows-eos' }],
  'project-latest': [
    { peer: 'debezium last', note: 'no guard: stale rows' },
    { peer: 'bento last-newer' },
  ],
  'project-insert': [{ peer: 'debezium history' }, { peer: 'bento history' }],
};

/** The note, and how many runs failed: a peer that gave up before its first line has none at all. */
function noted(note: string | undefined, good: number, { repeat }: PeerOptions): string {
  const failed = good < repeat ? `${repeat - good} of ${repeat} runs failed` : undefined;
  return [note, failed].filter((part) => part !== undefined).join('; ');
}

async function runJavaClient(name: string, options: PeerOptions): Promise<object[]> {
  const { bench, repeat, valueBytes } = options;
  const lines: object[] = [];
  for (let run = 1; run <= repeat; run += 1) {
    try {
      lines.push(
        name === 'produce'
          ? await javaProduce(bench, valueBytes, `java_${run}`)
          : await javaConsume(bench, `java_${run}`),
      );
    } catch (error) {
      // A peer that fails must not end our own cases.
      bench.log(`Java client: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return lines;
}

/** The runs of every peer of a case, on our broker and of our size; none where a case has no peer. */
export async function peersOf(
  name: string,
  options: PeerOptions,
): Promise<readonly { readonly peer: string; readonly note?: string; readonly runs: object[] }[]> {
  if (name === 'produce' || name === 'consume') {
    const note = name === 'produce' ? 'random values, no keys' : 'no decoding';
    const runs = await runJavaClient(name, options);
    return [{ peer: 'Java client', note: noted(note, runs.length, options), runs }];
  }
  const wanted = peers[name] ?? [];
  if (wanted.length === 0 || !hasPeers()) return [];
  const { bench, stack, repeat } = options;
  const sizes = { events: bench.events, warmup: bench.warmup, vehicles: bench.workload.vehicles };
  const sizeArguments = Object.entries({ ...sizes, repeat }).flatMap(([option, value]) => [
    `--${option}`,
    String(value),
  ]);
  const found: { peer: string; note?: string; runs: object[] }[] = [];
  for (const { peer, note } of wanted) {
    const runs = await runPeer(stack, [...peer.split(' '), ...sizeArguments]);
    const good = runs.filter((run) => !('error' in run) && !('ok' in run && run.ok === false));
    const text = noted(note, good.length, options);
    found.push({
      peer,
      ...(text !== '' && { note: text }),
      runs: good.length > 0 ? good : [...runs],
    });
  }
  return found;
}
