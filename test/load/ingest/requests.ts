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

/**
 * Whole HTTP requests as bytes, each with its own ids, key and signature, so that the clock of a run does
 * not count what the sender spends on signing.
 */
export function buildRequests(shape: RequestShape, count: number, run: string): Buffer[] {
  const t = Math.floor(Date.now() / 1000);
  const time = new Date(t * 1000).toISOString();
  return Array.from({ length: count }, (_, index) => {
    const events = Array.from({ length: shape.batch }, (_each, place) => ({
      event: 'trip.status.changed',
      id: `evt_${run}_${index}_${place}`,
      ...(shape.dialect === 'peers' && { vehicle_id: `T-${(index + place) % 10_000}` }),
      data: {
        trip_id: `T-${(index + place) % 10_000}`,
        status: 'arrived',
        site_id: 'CUST-77',
        ts: time,
      },
    }));
    const body = JSON.stringify(shape.batch === 1 ? events[0] : events);
    return Buffer.from(
      shape.dialect === 'waybill' ? waybillRequest(body, t, `${run}-${index}`) : peersRequest(body),
    );
  });
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
