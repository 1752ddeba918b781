import { toFault, type Fault } from '@waybill/fault';
import { RecordCursor } from './record-cursor.ts';
import { visibleBatches, type AbortedTransaction, type VisibleBatches } from './visible-batches.ts';

/** One partition of a fetch response as kafkajs hands it over; `messages` are its undecoded bytes. */
export interface FetchedPartition {
  readonly partition: number;
  readonly highWatermark: string;
  /** First offset that retention left; the client's name for it. */
  readonly lastStartOffset?: string;
  readonly abortedTransactions?: readonly AbortedTransaction[] | null;
  readonly messages: Buffer;
}

/** The part of kafkajs's decoder that `takeBytes` needs. */
export interface WireDecoder {
  readonly readInt32: () => number;
  readonly canReadBytes: (length: number) => boolean;
  readonly readBytes: (length: number) => Buffer;
}

const NOTHING = Buffer.alloc(0);

/** The record set of a fetched partition, undecoded. Replaces kafkajs's `fetch/v4/decodeMessages`. */
export async function takeBytes(decoder: WireDecoder): Promise<Buffer> {
  const size = decoder.readInt32();
  return size > 0 && decoder.canReadBytes(size) ? decoder.readBytes(size) : NOTHING;
}

/**
 * What one fetch brought of one partition. Replaces kafkajs's `consumer/batch`; the methods are what
 * its runner asks. Records are read by cursors on the fetched bytes.
 */
export class FetchedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly fetchedOffset: string;
  readonly highWatermark: string;
  /** First offset that retention left. */
  readonly low: bigint;
  /**
   * Nothing visible stands between here and `fetchedOffset`: less than that when fetches before this one
   * brought only markers and aborted records.
   */
  reaches: bigint;
  /** Next offset to fetch: behind markers, aborted records and what compaction took. */
  readonly next: bigint;
  /** True when the fetch brought at least one whole batch, visible or not. */
  readonly moved: boolean;
  /** Why the bytes cannot be read. */
  readonly problem: Fault | undefined;
  /** kafkajs looks here for the last record that its user sees; ours resolves offsets by number. */
  readonly messages: readonly never[] = [];
  readonly #visible: VisibleBatches;
  readonly #from: number;

  constructor(topic: string, fetchedOffset: string, data: FetchedPartition) {
    this.topic = topic;
    this.partition = data.partition;
    this.fetchedOffset = fetchedOffset;
    this.highWatermark = data.highWatermark;
    this.low = BigInt(data.lastStartOffset ?? 0);
    this.reaches = BigInt(fetchedOffset);
    this.#from = Number(fetchedOffset);
    let problem: Fault | undefined;
    let visible: VisibleBatches = { batches: [], next: undefined };
    try {
      visible = visibleBatches(data.messages, this.#from, data.abortedTransactions ?? []);
    } catch (error) {
      problem = toFault(error, 'decode');
    }
    this.problem = problem;
    this.#visible = visible;
    this.moved = visible.next !== undefined && visible.next > this.#from;
    this.next = this.moved ? BigInt(visible.next ?? 0) : BigInt(fetchedOffset);
  }

  /** A new walk over the records that a reader of committed records may see. */
  records(): RecordCursor {
    return new RecordCursor(this.#visible.batches, this.#from);
  }

  isEmpty(): boolean {
    return this.problem === undefined && this.#visible.batches.length === 0;
  }

  isEmptyDueToFiltering(): boolean {
    return this.isEmpty() && this.moved;
  }

  firstOffset(): string | null {
    return this.isEmpty() ? null : this.fetchedOffset;
  }

  lastOffset(): string {
    return String(this.next - 1n);
  }

  offsetLag(): string {
    return String(BigInt(this.highWatermark) - this.next);
  }

  offsetLagLow(): string {
    return String(BigInt(this.highWatermark) - BigInt(this.fetchedOffset));
  }
}
