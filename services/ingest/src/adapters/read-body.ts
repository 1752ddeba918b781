import type { IncomingMessage } from 'node:http';
import type { RefusalCode } from '../core/answer.ts';
import type { Hold } from './admission.ts';

/**
 * Body bytes that a request may have: with up to 16 KiB of headers it fits into a record of the log, of
 * which brokers take 1,048,588 bytes unless told otherwise.
 */
export const BODY_LIMIT_BYTES = 1_000_000;
/** A sender slower than this after the grace is cut off: its place is worth more than its request. */
export const MINIMUM_BYTES_PER_S = 1024;
/** For connections that start slowly. */
export const SLOW_GRACE_MS = 3000;
const CHECK_INTERVAL_MS = 1000;

export type BodyResult =
  | { readonly kind: 'body'; readonly body: Buffer }
  | { readonly kind: 'refused'; readonly code: RefusalCode }
  /** The sender hung up or was cut off: there is nobody to answer. */
  | { readonly kind: 'gone' };

/** Bodies that did not come in one piece. */
export interface BodyReader {
  readonly read: (message: IncomingMessage, hold: Hold, done: (result: BodyResult) => void) => void;
  readonly close: () => void;
}

interface Reading {
  readonly message: IncomingMessage;
  readonly startTime: number;
  bytes: number;
}

/** Reads bodies into memory that `hold` accounts for, byte by byte as they come. */
export function createBodyReader(onCut: () => void): BodyReader {
  const readings = new Set<Reading>();
  const check = setInterval(() => {
    for (const reading of readings) {
      const elapsedMs = performance.now() - reading.startTime;
      if (elapsedMs < SLOW_GRACE_MS) continue;
      if ((reading.bytes * 1000) / elapsedMs >= MINIMUM_BYTES_PER_S) continue;
      onCut();
      reading.message.destroy();
    }
  }, CHECK_INTERVAL_MS).unref();

  return {
    read: (message, hold, done) => {
      const reading: Reading = { message, startTime: performance.now(), bytes: 0 };
      const chunks: Buffer[] = [];
      readings.add(reading);
      const end = (result: BodyResult): void => {
        if (!readings.delete(reading)) return;
        if (result.kind === 'refused') message.removeAllListeners('data');
        done(result);
      };
      message.on('data', (chunk: Buffer) => {
        reading.bytes += chunk.length;
        if (reading.bytes > BODY_LIMIT_BYTES) end({ kind: 'refused', code: 'BODY_TOO_LARGE' });
        else if (!hold.grow(chunk.length)) end({ kind: 'refused', code: 'OVERLOADED' });
        else chunks.push(chunk);
      });
      message.on('end', () => {
        const [first] = chunks;
        const whole = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
        end({ kind: 'body', body: whole });
      });
      // Also after an error, which Node emits to listeners only.
      message.on('close', () => end({ kind: 'gone' }));
    },
    close: () => clearInterval(check),
  };
}
