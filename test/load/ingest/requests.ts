import { createHmac } from 'node:crypto';

/** What a server wants to see: our scheme, or that of the peers' pipelines. */
export type Dialect = 'waybill' | 'peers';

export const SECRET = 'bench-webhook-secret';
export const TENANT = 'bay-cabs';
export const SOURCE = 'dispatch';

export interface RequestShape {
  readonly dialect: Dialect;
  /** Events per request. */
  readonly batch: number;
}

export const webhookPath = `/webhooks/telematics/${TENANT}/${SOURCE}`;

/** Requests behind each other in one piece of memory: an object each would be what collections walk over. */
export interface Requests {
  readonly count: number;
  /** Bytes of one. */
  readonly at: (index: number) => Buffer;
}

/**
 * Whole HTTP requests as bytes, each with its own ids, key and signature, so that the clock of a run does
 * not count what the sender spends on signing.
 */
export function buildRequests(shape: RequestShape, count: number, run: string): Requests {
  const t = Math.floor(Date.now() / 1000);
  const text = (index: number): string => {
    const body = bodyText(shape, { run, index, time: new Date(t * 1000).toISOString() });
    return shape.dialect === 'waybill'
      ? waybillRequest(body, t, `${run}-${index}`)
      : peersRequest(body);
  };
  // The longest numbers are those of the last one; all characters are ASCII.
  const longest = text(Math.max(0, count - 1)).length + shape.batch * String(count).length;
  const bytes = Buffer.allocUnsafeSlow(longest * count);
  const ends = new Float64Array(count + 1);
  for (let index = 0; index < count; index += 1) {
    const start = ends[index] ?? 0;
    ends[index + 1] = start + bytes.write(text(index), start, 'latin1');
  }
  return { count, at: (index) => bytes.subarray(ends[index], ends[index + 1]) };
}

function bodyText(
  { dialect, batch }: RequestShape,
  { run, index, time }: { readonly run: string; readonly index: number; readonly time: string },
): string {
  const events = Array.from({ length: batch }, (_each, place) => ({
    event: 'trip.status.changed',
    id: `evt_${run}_${index}_${place}`,
    ...(dialect === 'peers' && { vehicle_id: `T-${(index + place) % 10_000}` }),
    data: {
      trip_id: `T-${(index + place) % 10_000}`,
      status: 'arrived',
      site_id: 'CUST-77',
      ts: time,
    },
  }));
  return JSON.stringify(batch === 1 ? events[0] : events);
}

function waybillRequest(body: string, t: number, key: string): string {
  const mac = createHmac('sha256', SECRET).update(`${t}.${body}`).digest('hex');
  return (
    `POST ${webhookPath} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n` +
    `X-Signature: t=${t},s=sha256=${mac}\r\nIdempotency-Key: ${key}\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}

function peersRequest(body: string): string {
  const mac = createHmac('sha256', SECRET).update(body).digest('hex');
  return (
    `POST /ingest HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n` +
    `X-Signature: ${mac}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}
