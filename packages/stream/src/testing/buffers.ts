import type { KeyedBuffers, Received, TransactOptions } from '../port.ts';
import { text, textOf, topics } from './cluster.ts';

/** Bytes that a buffer keeps per key: the newest ten texts of six bytes. */
const TEXT_BYTES = 6;
const KEPT = 10;

/** Appends the text of a record, six digits, and drops what is older than ten texts. */
function feed(buffers: KeyedBuffers, { key, message }: Received): void {
  buffers.append(key, Buffer.from(textOf(message)));
  const surplus = buffers.get(key).length - KEPT * TEXT_BYTES;
  if (surplus > 0) buffers.dropFront(key, surplus);
}

/** The texts of a buffer. */
function textsIn(bytes: Uint8Array): readonly string[] {
  return Buffer.from(bytes).toString().match(/.{6}/g) ?? [];
}

/**
 * Emits "<count of the key>:<texts in its buffer>" per record. The count is in the store, the texts in a
 * buffer: they belong together only when both are of the same moment.
 */
export function bufferWorker(
  settings: {
    readonly handled?: () => void;
    readonly layout?: number;
    readonly retentionMs?: number;
    readonly rework?: TransactOptions<number>['rework'];
  } = {},
): TransactOptions<number> {
  return {
    service: 'buffered',
    inputs: [topics.input],
    outputs: [topics.output],
    deadLetter: topics.deadLetter,
    store: {
      changelog: topics.state,
      toMessage: (value) => text(String(value)),
      fromMessage: (message) => Number(textOf(message)),
    },
    buffers: {
      layout: settings.layout ?? 1,
      retentionMs: settings.retentionMs ?? 3_600_000,
    },
    ...(settings.rework && { rework: settings.rework }),
    createTask: ({ store, buffers }) => ({
      handle: (records, out) => {
        for (const record of records) {
          const { key } = record;
          feed(buffers, record);
          const count = (store.get(key) ?? 0) + 1;
          store.put(key, count);
          const texts = textsIn(buffers.get(key)).join(',');
          out.emit({ topic: topics.output, key, message: text(`${count}:${texts}`) });
        }
        settings.handled?.();
      },
      rebuild: (records) => {
        for (const record of records) feed(buffers, record);
      },
    }),
  };
}

/** What the outputs must be for the texts of each key, in order. */
export function expectedOutputs(texts: readonly string[]): readonly string[] {
  return texts.map((_, i) => {
    const kept = texts.slice(Math.max(0, i + 1 - KEPT), i + 1);
    return `${i + 1}:${kept.join(',')}`;
  });
}
