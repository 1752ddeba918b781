import type {
  ElementRejected,
  ReworkAddress,
  ReworkRequested,
  ReworkSpan,
  Topic,
} from '@waybill/contracts';
import { partitionFor } from './partition.ts';
import type { ReworkLog } from './rework-host.ts';
import { inputNamed } from './rework-state.ts';

/** The task that plans its share of a command. */
export interface Planner {
  readonly log: Pick<ReworkLog, 'bounds' | 'atTime' | 'read'>;
  readonly inputs: readonly Topic[];
  readonly deadLetter: Topic;
  readonly partition: number;
  readonly partitions: number;
  /** Next offset of an input: what lies behind it was not worked on a first time yet. */
  readonly next: ReadonlyMap<string, bigint>;
}

/** What a task has to do for a command. */
export interface ReworkPlan {
  readonly spans: readonly ReworkSpan[];
  /** Chosen records that this task owns but has not worked on yet, or that no input holds. */
  readonly missing: number;
}

function ofAddresses(
  { inputs, partition, next }: Planner,
  addresses: readonly ReworkAddress[],
): ReworkPlan {
  const mine = new Map<string, ReworkSpan>();
  let missing = 0;
  for (const { topic, partition: owner, offset, index } of addresses) {
    if (owner !== partition || inputNamed(inputs, topic) === undefined) continue;
    if (BigInt(offset) >= (next.get(topic) ?? 0n)) missing += 1;
    else mine.set(`${topic}/${offset}/${index}`, { topic, next: offset, end: offset + 1, index });
  }
  return { spans: [...mine.values()], missing };
}

/** Addresses of the elements behind dead letters: the whole dead-letter topic is looked through. */
async function addressesOf(
  { log, deadLetter }: Planner,
  ids: ReadonlySet<string>,
): Promise<readonly ReworkAddress[]> {
  const found: ReworkAddress[] = [];
  const bounds = await log.bounds([deadLetter]);
  for (const [place, { low, high }] of bounds) {
    const partition = Number(place.slice(place.lastIndexOf('/') + 1));
    const stretch = { topic: deadLetter, partition, from: low, to: high };
    for await (const { received } of log.read(stretch)) {
      for (const { message } of received) {
        const { element_id: id, trace } = message.value as ElementRejected;
        if (ids.has(id)) found.push(trace);
      }
    }
  }
  return found;
}

async function ofRange(planner: Planner, command: ReworkRequested): Promise<ReworkPlan> {
  const { log, inputs, partition, partitions, next } = planner;
  const { key, from_time, to_time, from_offset, to_offset } = command;
  const elsewhere =
    (command.partition !== null && command.partition !== partition) ||
    (key !== null && partitionFor(key, partitions) !== partition);
  if (elsewhere) return { spans: [], missing: 0 };
  const chosen = inputs.filter(({ name }) => command.topic === null || command.topic === name);
  const bounds = await log.bounds(chosen);
  const spans: ReworkSpan[] = [];
  for (const topic of chosen) {
    const position = next.get(topic.name) ?? 0n;
    const atTime = async (ms: number | null, otherwise: bigint): Promise<bigint> =>
      ms === null ? otherwise : ((await log.atTime(topic, partition, ms)) ?? position);
    const low = bounds.get(`${topic.name}/${partition}`)?.low ?? 0n;
    const first = await atTime(from_time, BigInt(from_offset ?? low));
    const last = await atTime(to_time, BigInt(to_offset ?? position));
    const from = first > low ? first : low;
    const to = last < position ? last : position;
    if (from < to)
      spans.push({ topic: topic.name, next: Number(from), end: Number(to), index: -1 });
  }
  return { spans, missing: 0 };
}

/** The share of a task in a command; what is chosen is fixed from then on. */
export async function planRework(planner: Planner, command: ReworkRequested): Promise<ReworkPlan> {
  const { addresses, dead_letter_ids: ids } = command;
  if (addresses.length > 0) return ofAddresses(planner, addresses);
  if (ids.length > 0) return ofAddresses(planner, await addressesOf(planner, new Set(ids)));
  return ofRange(planner, command);
}
