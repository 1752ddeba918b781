import type { Message, ReworkCompared, ReworkFinding, Topic } from '@waybill/contracts';
import { partitionFor } from './partition.ts';
import type { Outgoing } from './port.ts';
import { differenceOf } from './rework-diff.ts';
import { revisionOf, type ReworkGuard } from './rework-guard.ts';
import type { ReworkHost } from './rework-host.ts';
import { elementId } from './rework-preview.ts';
import { MAX_FINDINGS } from './rework-state.ts';

/** Elements of one task whose bytes are kept until they are compared. */
const MOST_ELEMENTS = 10_000;
/** Records of one output partition that are looked through. */
const MOST_READ = 1_000_000;
/** What came of an input was published after it, but maybe by a clock that is behind. */
const CLOCK_SKEW_MS = 600_000;

/**
 * Compares what a preview made with what was published. In compacted outputs that is the newest value of
 * the key; in the others the newest revision of the same event id, in the partition of the same key, among
 * what was published since the first chosen record. Elements without an id, and those beyond the limits,
 * stay unknown.
 */
export interface Comparison {
  /** Takes an element with its encoded bytes, and the offset of the input record that it came of. */
  readonly add: (record: Outgoing, bytes: Buffer | null, offset: number) => void;
  /** An input record of the preview was published then, in ms. */
  readonly published: (time: number) => void;
  /** Compares everything; elements that are the same make no finding. */
  readonly result: () => Promise<{
    readonly compared: ReworkCompared;
    readonly findings: readonly ReworkFinding[];
  }>;
}

interface Made {
  readonly record: Pick<Outgoing, 'topic' | 'key'>;
  readonly bytes: Buffer | null;
  readonly offset: number;
  readonly id: string;
}

/** An output partition, and what was made for it by event id. */
interface Place {
  readonly topic: Topic;
  readonly partition: number;
  readonly made: Map<string, Made>;
}

function eventId(message: Message | null): string | undefined {
  const { event_id: id } = (message?.value ?? {}) as { event_id?: unknown };
  return typeof id === 'string' ? id : undefined;
}

/** What was published: undefined = nothing, 'unknown' = nobody can tell. */
type Published = Message | undefined | 'unknown';

export function createComparison<V>(
  { codecs, log, writable }: Pick<ReworkHost<V>, 'codecs' | 'log' | 'writable'>,
  guard: ReworkGuard,
): Comparison {
  const compacted = new Map<string, Made>();
  const places = new Map<string, Place>();
  let kept = 0;
  let unknown = 0;
  let since = Infinity;

  function placeOf({ topic, key, partition, partitionKey }: Outgoing): Place {
    const count = writable.get(topic.name) ?? 1;
    const at = partition ?? partitionFor(partitionKey ?? key, count);
    const found = places.get(`${topic.name}/${at}`) ?? { topic, partition: at, made: new Map() };
    places.set(`${topic.name}/${at}`, found);
    return found;
  }

  /** Newest published revision of the wanted ids of one partition. */
  async function search({ topic, partition, made }: Place): Promise<(id: string) => Published> {
    const newest = new Map<string, Message>();
    const { low = 0n, high = 0n } =
      (await log.bounds([topic])).get(`${topic.name}/${partition}`) ?? {};
    const first = (await log.atTime(topic, partition, Math.max(0, since - CLOCK_SKEW_MS))) ?? high;
    const from = first > low ? first : low;
    let read = 0;
    let isWhole = true;
    for await (const { received } of log.read({ topic, partition, from, to: high })) {
      for (const { message } of received) {
        const id = eventId(message);
        if (id === undefined || !made.has(id)) continue;
        const known = newest.get(id);
        const isOlder = known && (revisionOf(message) ?? 0) < (revisionOf(known) ?? 0);
        if (!isOlder) newest.set(id, message);
      }
      read += received.length;
      isWhole = read < MOST_READ;
      if (!isWhole) break;
    }
    return (id) => newest.get(id) ?? (isWhole ? undefined : 'unknown');
  }

  function messageOf({ record: { topic }, bytes }: Made): Message | null {
    if (bytes === null) return null;
    const decoded = codecs.decoder(topic)(bytes, 0, bytes.length);
    // It was encoded here with the same contract.
    return typeof decoded === 'number' ? null : (decoded.message ?? null);
  }

  return {
    published: (time) => {
      since = Math.min(since, time);
    },
    add: (record, bytes, offset) => {
      const { topic, key, message } = record;
      const id = topic.compacted ? key : eventId(message);
      if (id === undefined || kept >= MOST_ELEMENTS) {
        unknown += 1;
        return;
      }
      const made = topic.compacted ? compacted : placeOf(record).made;
      const known = topic.compacted ? `${topic.name} ${key}` : id;
      // Several revisions of one element: the last one counts. Encoded bytes stand in a shared slab.
      const copy = bytes && Buffer.from(bytes);
      if (!made.has(known)) kept += 1;
      made.set(known, { record: { topic, key }, bytes: copy, offset, id: elementId(key, message) });
    },
    result: async () => {
      const counts = { elements_new: 0, elements_changed: 0, elements_same: 0 };
      const findings: ReworkFinding[] = [];
      const note = (made: Made, published: Published): void => {
        if (published === 'unknown') {
          unknown += 1;
          return;
        }
        const { changes, leftOut } = differenceOf(published ?? null, messageOf(made));
        const isNew = published === undefined && made.bytes !== null;
        if (isNew) counts.elements_new += 1;
        else if (changes.length > 0) counts.elements_changed += 1;
        else counts.elements_same += 1;
        if (changes.length === 0 || findings.length >= MAX_FINDINGS) return;
        const { offset, id, record } = made;
        const finding = { offset, id, outcome: record.topic.name };
        if (isNew) {
          findings.push({ ...finding, comparison: 'NEW', changes: [], changes_left_out: 0 });
        } else {
          findings.push({ ...finding, comparison: 'CHANGED', changes, changes_left_out: leftOut });
        }
      };
      await guard.update();
      for (const made of compacted.values()) {
        note(made, guard.published.get(made.record.topic, made.record.key));
      }
      for (const place of places.values()) {
        const published = await search(place);
        for (const [id, made] of place.made) note(made, published(id));
      }
      findings.sort((a, b) => a.offset - b.offset);
      return { compared: { ...counts, elements_unknown: unknown }, findings };
    },
  };
}
