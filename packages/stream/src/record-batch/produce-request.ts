import type { BatchWriter } from './batch-writer.ts';
import { streamFault } from '../errors.ts';

/** What kafkajs hands over for one produce request; `messages` is the batch that stood in for them. */
export interface ProduceData {
  readonly transactionalId?: string | null;
  readonly producerId: string | number;
  readonly producerEpoch: number;
  readonly acks: number;
  readonly timeout: number;
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly firstSequence: number;
      readonly messages: BatchWriter;
    }[];
  }[];
}

/** A request body as kafkajs sends it: its own encoder, or parts that are joined once. */
export type Payload = { readonly buffer: Buffer } | { readonly parts: readonly Buffer[] };

interface Request {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly encode: () => Promise<Payload>;
}

const PRODUCE_KEY = 0;
const PRODUCE_VERSION = 3;

function int16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function nullableText(text: string | null | undefined): readonly Buffer[] {
  if (text === null || text === undefined) return [int16(-1)];
  const bytes = Buffer.from(text);
  return [int16(bytes.length), bytes];
}

/**
 * Body of a Produce request, versions 3 to 7: transactional id, acks, timeout, then topics with
 * partitions with one record batch each. Replaces kafkajs's `produce/v3/request`, on which 4 to 7 rest.
 */
export function produceRequest(data: ProduceData): Request & {
  readonly apiName: string;
  readonly expectResponse: () => boolean;
} {
  const { transactionalId, producerId, producerEpoch, acks, timeout, topicData } = data;
  return {
    apiKey: PRODUCE_KEY,
    apiVersion: PRODUCE_VERSION,
    apiName: 'Produce',
    expectResponse: () => acks !== 0,
    encode: async () => {
      const parts = [...nullableText(transactionalId), int16(acks), int32(timeout)];
      parts.push(int32(topicData.length));
      const now = Date.now();
      for (const { topic, partitions } of topicData) {
        parts.push(...nullableText(topic), int32(partitions.length));
        for (const { partition, firstSequence, messages } of partitions) {
          const owner = {
            producerId: BigInt(producerId),
            producerEpoch,
            baseSequence: firstSequence,
            transactional: Boolean(transactionalId),
          };
          const batch = messages.seal(owner, now);
          parts.push(int32(partition), int32(batch.length), batch);
        }
      }
      return { parts };
    },
  };
}

/** A whole request: size, header (api key, version, correlation id, client id), body; copied once. */
export async function frameRequest({
  correlationId,
  clientId,
  request: { apiKey, apiVersion, encode },
}: {
  readonly correlationId: number;
  readonly clientId: string;
  readonly request: Request;
}): Promise<{ readonly buffer: Buffer }> {
  const payload = await encode();
  const parts = 'parts' in payload ? payload.parts : [payload.buffer];
  const header = [
    int16(apiKey),
    int16(apiVersion),
    int32(correlationId),
    ...nullableText(clientId),
  ];
  const all = [...header, ...parts];
  const size = all.reduce((sum, { length }) => sum + length, 0);
  return { buffer: Buffer.concat([int32(size), ...all], size + 4) };
}

/** Makes the batch of a partition stand in for kafkajs's array of its messages. */
export function batchPerPartition({
  topic,
  messages,
}: {
  readonly topic: string;
  readonly messages: readonly BatchWriter[];
}): Record<number, BatchWriter> {
  const batches: Record<number, BatchWriter> = {};
  for (const batch of messages) {
    if (batches[batch.partition] !== undefined) {
      throw streamFault(
        'KAFKA_FAILED',
        'publish',
        `${topic}/${batch.partition}: expected one batch per request, found two`,
      );
    }
    batches[batch.partition] = batch;
  }
  return batches;
}
