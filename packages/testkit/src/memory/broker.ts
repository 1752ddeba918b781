import type { Topic } from '@waybill/contracts';
import { streamFault } from '@waybill/stream';

/** Header values as they stand in a topic. */
export type Headers = Readonly<Record<string, string | Buffer>>;

/** A record ready to be appended. */
export interface Encoded {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  readonly value: Buffer | null;
  readonly headers: Headers;
}

/** A record as it stands in a partition. */
export interface Stored extends Encoded {
  readonly offset: bigint;
  readonly publishedTime: number;
}

/** Next offset of a group in one partition. */
export interface ConsumedOffset {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly next: bigint;
}

/**
 * What goes wrong with the next commit of a transactional id. *fail*: aborted, and the owner is told.
 * *lose*: it takes effect, but the answer is lost. *die*: the owner dies with the transaction open, so
 * readers wait behind it until somebody fences the id.
 */
export type CommitFault = 'fail' | 'lose' | 'die';

/** open → committed | aborted; readers see nothing behind the first open one. */
interface Transaction {
  state: 'open' | 'committed' | 'aborted';
  readonly places: Set<Partition>;
}

/** A marker has no record, nor has what was compacted; they take an offset all the same, as in Kafka. */
interface Entry {
  record: Stored | undefined;
  readonly transaction: Transaction | undefined;
}

interface Partition {
  /** By offset. */
  readonly entries: Entry[];
  /** The first offset that retention left. */
  low: number;
}

/** The largest record that Kafka takes by default (`max.message.bytes`), about. */
const MAX_RECORD_BYTES = 1_048_588;

/**
 * The log itself: topics of partitions, transactions with markers, transactional ids with epochs,
 * offsets of groups. Synchronous; every call takes effect at once or throws and does nothing.
 */
export interface MemoryBroker {
  readonly create: (topic: Topic, partitions: number) => void;
  /** Partition count by topic name. Throws a Fault `TOPIC_MISSING` that names all missing ones. */
  readonly partitionCounts: (topics: readonly Topic[]) => ReadonlyMap<string, number>;
  readonly exists: (topic: Topic) => boolean;
  readonly append: (records: readonly Encoded[]) => void;
  /**
   * Committed records from an offset on, or from the first that retention left, and where the next
   * reading starts (behind markers too).
   */
  readonly read: (
    topic: string,
    partition: number,
    from: bigint,
    limit?: number,
  ) => { readonly records: readonly Stored[]; readonly next: bigint };
  /** First offset that retention left. */
  readonly start: (topic: string, partition: number) => bigint;
  /** First visible record from a publishing time on; undefined = there is none. */
  readonly atTime: (topic: string, partition: number, ms: number) => bigint | undefined;
  /** What retention does: the records before the offset are gone. */
  readonly deleteBefore: (topic: string, partition: number, offset: bigint) => void;
  /** What compaction does: of each key the newest committed record stays, at its offset. */
  readonly compact: (topic: string) => void;
  /** High watermark: one behind the last entry, whether readers see it or not. */
  readonly end: (topic: string, partition: number) => bigint;
  /** Locks older owners of the id out and aborts what they left open. Gives the new epoch. */
  readonly fence: (id: string) => number;
  /** All or nothing. Throws a Fault `FENCED`, `RECORD_TOO_LARGE`, or `KAFKA_FAILED` by hand. */
  readonly transact: (
    owner: { readonly id: string; readonly epoch: number },
    records: readonly Encoded[],
    consumed?: ConsumedOffset,
  ) => void;
  readonly failNextCommit: (id: string, fault: CommitFault) => void;
  readonly committed: (group: string, topic: string, partition: number) => bigint | undefined;
  /** Rises with everything that changes the log. */
  readonly version: () => number;
}

export function createBroker(now: () => number): MemoryBroker {
  const topics = new Map<string, Partition[]>();
  const epochs = new Map<string, number>();
  const open = new Map<string, Transaction>();
  const faults = new Map<string, CommitFault>();
  const offsets = new Map<string, bigint>();
  let version = 0;

  function partitionOf(topic: string, partition: number): Partition {
    const found = topics.get(topic)?.[partition];
    if (found === undefined) {
      throw streamFault('TOPIC_MISSING', 'publish', `expected ${topic}/${partition}: provision it`);
    }
    return found;
  }

  function checkSizes(records: readonly Encoded[]): void {
    for (const { topic, key, value } of records) {
      const bytes = (value?.length ?? 0) + Buffer.byteLength(key);
      if (bytes > MAX_RECORD_BYTES) {
        const text = `${topic}: a record of ${bytes} bytes, the limit is ${MAX_RECORD_BYTES}`;
        throw streamFault('RECORD_TOO_LARGE', 'publish', text);
      }
    }
  }

  function write(records: readonly Encoded[], transaction?: Transaction): void {
    const places = records.map(({ topic, partition }) => partitionOf(topic, partition));
    for (const [at, encoded] of records.entries()) {
      const place = places[at];
      if (place === undefined) continue;
      const offset = BigInt(place.entries.length);
      place.entries.push({ record: { ...encoded, offset, publishedTime: now() }, transaction });
      transaction?.places.add(place);
    }
    version += 1;
  }

  function decide(transaction: Transaction, state: 'committed' | 'aborted'): void {
    transaction.state = state;
    for (const place of transaction.places) place.entries.push({ record: undefined, transaction });
    version += 1;
  }

  const read: MemoryBroker['read'] = (topic, partition, from, limit = Infinity) => {
    const { entries, low } = partitionOf(topic, partition);
    const records: Stored[] = [];
    let next = Math.max(Number(from), low);
    for (; next < entries.length && records.length < limit; next += 1) {
      const entry = entries[next];
      if (entry?.transaction?.state === 'open') break;
      const isVisible = entry?.transaction === undefined || entry.transaction.state === 'committed';
      if (isVisible && entry?.record !== undefined) records.push(entry.record);
    }
    return { records, next: BigInt(next) };
  };

  function takeFault(id: string): CommitFault | undefined {
    const fault = faults.get(id);
    faults.delete(id);
    return fault;
  }

  function failed(id: string, what: string): Error {
    return streamFault('KAFKA_FAILED', 'commit', `transaction of ${id}: ${what}, by hand`);
  }

  return {
    create: (topic, count) => {
      topics.set(
        topic.name,
        Array.from({ length: count }, () => ({ entries: [], low: 0 })),
      );
    },
    exists: ({ name }) => topics.has(name),
    partitionCounts: (wanted) => {
      const missing = wanted.filter(({ name }) => !topics.has(name)).map(({ name }) => name);
      if (missing.length > 0) {
        const text = `expected ${missing.join(', ')}: run provisioning`;
        throw streamFault('TOPIC_MISSING', 'start', text);
      }
      return new Map(wanted.map(({ name }) => [name, topics.get(name)?.length ?? 0]));
    },
    append: (records) => {
      checkSizes(records);
      write(records);
    },
    read,
    start: (topic, partition) => BigInt(partitionOf(topic, partition).low),
    atTime: (topic, partition, ms) =>
      read(topic, partition, 0n).records.find(({ publishedTime }) => publishedTime >= ms)?.offset,
    deleteBefore: (topic, partition, offset) => {
      const place = partitionOf(topic, partition);
      place.low = Math.max(place.low, Math.min(Number(offset), place.entries.length));
      for (const entry of place.entries.slice(0, place.low)) entry.record = undefined;
      version += 1;
    },
    compact: (topic) => {
      for (const [partition, { entries }] of topics.get(topic)?.entries() ?? []) {
        const newest = new Map<string, bigint>();
        for (const { key, offset } of read(topic, partition, 0n).records) newest.set(key, offset);
        const { next } = read(topic, partition, 0n);
        for (const entry of entries.slice(0, Number(next))) {
          const { record } = entry;
          if (record && newest.get(record.key) !== record.offset) entry.record = undefined;
        }
      }
      version += 1;
    },
    end: (topic, partition) => BigInt(partitionOf(topic, partition).entries.length),
    fence: (id) => {
      const epoch = (epochs.get(id) ?? -1) + 1;
      epochs.set(id, epoch);
      const left = open.get(id);
      open.delete(id);
      if (left !== undefined) decide(left, 'aborted');
      return epoch;
    },
    transact: ({ id, epoch }, records, consumed) => {
      if (epochs.get(id) !== epoch) {
        throw streamFault('FENCED', 'commit', `another owner took ${id} over`);
      }
      checkSizes(records);
      const fault = takeFault(id);
      const transaction: Transaction = { state: 'open', places: new Set() };
      write(records, transaction);
      if (fault === 'die') {
        open.set(id, transaction);
        throw failed(id, 'the owner died');
      }
      decide(transaction, fault === 'fail' ? 'aborted' : 'committed');
      if (fault === 'fail') throw failed(id, 'aborted');
      if (consumed) {
        offsets.set(`${consumed.group} ${consumed.topic}/${consumed.partition}`, consumed.next);
      }
      if (fault === 'lose') throw failed(id, 'the answer was lost');
    },
    failNextCommit: (id, fault) => {
      faults.set(id, fault);
    },
    committed: (group, topic, partition) => offsets.get(`${group} ${topic}/${partition}`),
    version: () => version,
  };
}
