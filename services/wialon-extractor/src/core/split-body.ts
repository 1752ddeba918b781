import { jsonMember, jsonSpans } from '@waybill/domain';

/** Largest body of one record; brokers refuse records over 1 MiB by default. */
export const PART_BYTES = 524_288;

/** One self-contained part of an answer. */
export interface BodyPart {
  readonly body: Buffer;
  /** Index in the whole answer of the first element of this part. */
  readonly firstIndex: number;
  /** Elements in this part. */
  readonly count: number;
}

/** How the parts of an answer look. */
export interface BodyShape {
  /** Member that holds the elements; null = the body is the array. */
  readonly member: string | null;
  /** Scalar member that every part repeats, such as the provider's clock. */
  readonly repeated?: string;
}

/**
 * Cuts an answer between its elements so that each part is at most `limit` bytes (a single element may
 * be larger) and reads like a whole answer of the same call. The text of the elements is not touched.
 * An answer within the limit is its own and only part, byte for byte.
 */
export function splitBody(
  body: Buffer,
  shape: BodyShape,
  count: number,
  limit: number = PART_BYTES,
): readonly BodyPart[] {
  if (body.length <= limit) return [{ body, firstIndex: 0, count }];
  const text = body.toString('utf8');
  const array = shape.member === null ? undefined : jsonMember(text, shape.member);
  const spans = jsonSpans(text, array?.start ?? 0);
  const { head, tail } = frameOf(text, shape);
  const parts: BodyPart[] = [];
  let first = 0;
  let bytes = 0;
  const cut = (end: number): void => {
    const from = spans[first];
    const to = spans[end - 1];
    if (from === undefined || to === undefined) return;
    // Between two elements of one array stand only commas and space, so a run of them is one slice.
    const run = text.slice(from.start, to.end);
    parts.push({
      body: Buffer.from(`${head}${run}${tail}`, 'utf8'),
      firstIndex: first,
      count: end - first,
    });
    first = end;
    bytes = 0;
  };
  const frameBytes = Buffer.byteLength(head) + Buffer.byteLength(tail);
  for (const [index, span] of spans.entries()) {
    const next = spans[index + 1]?.start ?? span.end;
    const size = Buffer.byteLength(text.slice(span.start, next));
    if (index > first && frameBytes + bytes + size > limit) cut(index);
    bytes += size;
  }
  cut(spans.length);
  return parts.length === 0 ? [{ body, firstIndex: 0, count }] : parts;
}

function frameOf(text: string, shape: BodyShape): { head: string; tail: string } {
  if (shape.member === null) return { head: '[', tail: ']' };
  const span = shape.repeated === undefined ? undefined : jsonMember(text, shape.repeated);
  const repeated =
    span === undefined ? '' : `"${shape.repeated}":${text.slice(span.start, span.end)},`;
  return { head: `{${repeated}"${shape.member}":[`, tail: ']}' };
}
