import assert from 'node:assert/strict';
import { until } from '@waybill/testkit';
import { openKafka } from '../client.ts';
import { createOffsetLookup } from '../offsets.ts';
import { PARTITIONS, text, topics, type TestSystem } from './cluster.ts';

const KEYS = 20;
const BATCH = 100;
const PAUSE_MS = 20;

/** Numbered records of 20 keys on the input, as fast as the fault suite needs them, until `stop`. */
export interface Load {
  /** Resolves when no more is sent. */
  readonly stop: () => Promise<void>;
}

/** What is not confirmed is sent again, so a record may stand twice in the input: it counts as two. */
export async function startLoad(system: TestSystem): Promise<Load> {
  const streams = await system.connect();
  const publisher = await streams.publisher([topics.input]);
  const stopping = new AbortController();
  async function run(): Promise<void> {
    for (let sent = 0; !stopping.signal.aborted;) {
      const records = Array.from({ length: BATCH }, (_, i) => ({
        topic: topics.input,
        key: `k${(sent + i) % KEYS}`,
        message: text(String(sent + i)),
      }));
      const confirmed = await publisher.send(records).then(
        () => true,
        () => false,
      );
      if (confirmed) sent += BATCH;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      await running;
      await publisher.close();
      await streams.close();
    },
  };
}

/** Waits until the group has committed all that stands in the input. */
export async function untilCounted(system: TestSystem, deadlineMs = 180_000): Promise<void> {
  const { namespace = '' } = system.options;
  const lookup = createOffsetLookup(() => openKafka(system.options), namespace);
  const missing = async (): Promise<string[]> => {
    const ends = await system.admin.ends([topics.input]);
    const open: string[] = [];
    for (let partition = 0; partition < PARTITIONS.task; partition += 1) {
      const end = ends.get(`${topics.input.name}/${partition}`) ?? 0n;
      const group = `${namespace}counter`;
      const committed = await lookup.committed(group, [topics.input], partition);
      const next = committed.get(topics.input.name)?.next ?? 0n;
      if (next < end) open.push(`${partition}: ${next} of ${end}`);
    }
    return open;
  };
  try {
    await until(
      'everything is counted',
      async () => {
        const open = await missing();
        if (open.length > 0) throw new Error(open.join(', '));
        return true;
      },
      { deadlineMs, everyMs: 250 },
    );
  } finally {
    await lookup.close();
  }
}

type ByKey = ReadonlyMap<string, readonly string[]>;

function byKey(lines: readonly (readonly [key: string, value: string])[]): ByKey {
  const groups = Map.groupBy(lines, ([key]) => key);
  return new Map([...groups].map(([key, list]) => [key, list.map(([, value]) => value)]));
}

const split = (line: string): [string, string] => {
  const at = line.indexOf('=');
  return [line.slice(0, at), line.slice(at + 1)];
};

/** The records of the input by key, in their order. */
export async function inputOf(system: TestSystem): Promise<ByKey> {
  return byKey((await system.read(topics.input)).map(split));
}

/**
 * A read-committed reader of the output sees the result of every input record once, in the order of its
 * key, and each result was computed on the state that all earlier ones left.
 */
export async function assertCounted(system: TestSystem): Promise<number> {
  const input = await inputOf(system);
  const output = byKey((await system.read(topics.output)).map(split));
  let records = 0;
  for (const [key, values] of input) {
    const expected = values.map((value, index) => `${value}/${index + 1}`);
    assert.deepEqual(output.get(key) ?? [], expected, `results of ${key}`);
    records += values.length;
  }
  assert.equal(output.size, input.size, 'keys of the output');
  return records;
}

/** The rows of a projection are the records of the input, each once, in the order of its key. */
export async function assertProjected(
  system: TestSystem,
  rows: readonly { readonly key: string; readonly value: string }[],
): Promise<void> {
  assert.deepEqual(byKey(rows.map(({ key, value }) => [key, value])), await inputOf(system));
}
