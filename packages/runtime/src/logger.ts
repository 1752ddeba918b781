import { isSpanContextValid, trace } from '@opentelemetry/api';
import { isFault } from '@waybill/fault';
import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';
import type { LOG_LEVELS } from './process-config.ts';

export type Logger = PinoLogger;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Unwritten lines kept when the reader of our output is slow; newer ones are dropped beyond it. */
const BUFFER_BYTES = 8 * 1024 * 1024;

const SECRET_FIELDS = ['token', 'sid', 'secret', 'authorization', 'password'];

const REDACTED = SECRET_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** JSON lines on stdout; `msg` is a stable dotted name, everything else is fields. */
export function createLogger(options: {
  readonly service: string;
  readonly level: LogLevel;
  /** Default: stdout. */
  readonly destination?: DestinationStream;
}): Logger {
  return pino(
    {
      level: options.level,
      base: { service: options.service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED, censor: '[redacted]' },
      mixin: spanFields,
      serializers: { err: describeError },
    },
    inOrder(options.destination ?? stdout()),
  );
}

/**
 * Only the writing side: pino flushes synchronously after a fatal line where it can, and such a line
 * would overtake the write that is under way.
 */
function inOrder(destination: DestinationStream): DestinationStream {
  return {
    write: (line) => {
      destination.write(line);
    },
  };
}

/** Lines to stdout, written in the background. */
export type LogOutput = ReturnType<typeof pino.destination>;

/** Buffered stdout; call `flushSync` before the process exits. */
export function stdout(): LogOutput {
  return pino.destination({ fd: 1, sync: false, maxLength: BUFFER_BYTES });
}

function spanFields(): object {
  const context = trace.getActiveSpan()?.spanContext();
  if (context === undefined || !isSpanContextValid(context)) return {};
  return { trace_id: context.traceId, span_id: context.spanId };
}

/** Facts of an error, without anything that only a debugger wants. */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const cause = error.cause === undefined ? {} : { cause: describeError(error.cause) };
  if (isFault(error)) {
    const { kind, code, stage, category, message } = error;
    return { kind, code, stage, category, message, ...cause };
  }
  return { type: error.name, message: error.message, stack: error.stack, ...cause };
}
