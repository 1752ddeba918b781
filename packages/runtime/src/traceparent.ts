import { TraceFlags, isSpanContextValid, type SpanContext } from '@opentelemetry/api';

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** W3C traceparent of a sampled span; undefined for one that is not recorded anywhere. */
export function formatTraceparent(context: SpanContext): string | undefined {
  const sampled = (context.traceFlags & TraceFlags.SAMPLED) !== 0;
  return sampled && isSpanContextValid(context)
    ? `00-${context.traceId}-${context.spanId}-01`
    : undefined;
}

/** Undefined for anything but a valid version 00 traceparent. */
export function parseTraceparent(text: string): SpanContext | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const context: SpanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
  };
  return isSpanContextValid(context) ? context : undefined;
}
