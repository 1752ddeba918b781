import type { Streams } from '@waybill/stream';
import type { ExtractorMetrics } from './metrics.ts';

/** Wall time: sessions, limits, retries. The provider's own clock comes with its answers. */
export interface Clock {
  /** ms since epoch. */
  readonly now: () => number;
  /** Resolves after `ms`; rejects with a Fault `cancelled` / `STOPPED` when the signal aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** What one HTTP exchange gave. */
export type Exchange =
  | {
      readonly kind: 'answer';
      /** As received, decoded from gzip. */
      readonly body: Buffer;
      readonly json: unknown;
      /** Wall time at which the answer was complete, ms. */
      readonly receivedTime: number;
      readonly latencyMs: number;
    }
  | {
      readonly kind: 'refusal';
      /** The provider's error number. */
      readonly code: number;
      readonly reason: string;
      readonly receivedTime: number;
      readonly latencyMs: number;
    };

/** An answer that is of no use: its bytes, and what came with them. */
export interface UnusableAnswer {
  /** Null where the connection ended before a status. */
  readonly status: number | null;
  readonly contentType: string | null;
  /** As received, as far as it came. */
  readonly body: Buffer;
}

/**
 * The Remote API. One call at a time per session; several sessions at the same time. Throws a Fault `transient` (`PROVIDER_UNREACHABLE`,
 * `PROVIDER_TIMEOUT`, `PROVIDER_GARBLED`) when there is no usable answer, and `cancelled` / `STOPPED` when the signal
 * aborts; it retries nothing. What came of an answer is kept with the Fault (`unusableAnswerOf`).
 */
export interface Wialon {
  readonly call: (
    url: string,
    service: string,
    parameters: Readonly<Record<string, unknown>>,
    sid: string | undefined,
    signal: AbortSignal,
  ) => Promise<Exchange>;
}

/** Structured lines; never given a token or session id. */
export interface ExtractorLogger {
  readonly debug: (fields: object, message: string) => void;
  readonly info: (fields: object, message: string) => void;
  readonly warn: (fields: object, message: string) => void;
  readonly error: (fields: object, message: string) => void;
}

/** Runs work in a span; the text given to it goes into the headers of what the work publishes. */
export interface Tracer {
  readonly span: <R>(
    name: string,
    options: { readonly attributes?: Readonly<Record<string, string | number>> },
    work: (traceparent: string | undefined) => Promise<R>,
  ) => Promise<R>;
}

/** What an account's worker needs from outside. */
export interface WorkerPorts {
  readonly wialon: Wialon;
  readonly clock: Clock;
  /** In [0, 1); spreads retries. */
  readonly random: () => number;
  /** The value behind a reference; Fault `misconfigured` when it is missing. Read on each login. */
  readonly secret: (reference: string) => Promise<string>;
  readonly logger: ExtractorLogger;
  readonly tracer: Tracer;
  readonly metrics: ExtractorMetrics;
}

/** What the service needs from outside. */
export interface Ports extends WorkerPorts {
  readonly streams: Pick<Streams, 'extract' | 'close'>;
}
