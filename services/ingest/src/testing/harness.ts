// An ingest service on a real database, with a log and tenant files that the test holds in its hands.
import { createHmac, randomUUID } from 'node:crypto';
import {
  topics,
  type Message,
  type TenantConfigured,
  type Topic,
  type WebhookReceived,
} from '@waybill/contracts';
import { hashId } from '@waybill/domain';
import { Fault } from '@waybill/fault';
import { createPool } from '@waybill/postgres';
import { createMetrics, startTracing, type RunningService } from '@waybill/runtime';
import type { Outgoing, Streams } from '@waybill/stream';
import { tenantModel, type TenantModel, type WebhookSource } from '@waybill/tenant';
import { configured } from '@waybill/testkit';
import { ingestMetrics } from '../metrics.ts';
import { createService, type ServiceConfig } from '../service.ts';

type OnTable = (topic: Topic, key: string, message: Message | null) => void;

export interface FakeLog {
  readonly sent: Outgoing[];
  /** Bodies in the dead-letter topic. */
  readonly quarantined: Outgoing[];
  /** Takes the place of the brokers for each send; default: confirm at once. */
  behaviour: () => Promise<void>;
}

export function fakeLog(): FakeLog {
  return { sent: [], quarantined: [], behaviour: async () => undefined };
}

export function recordsOf(log: FakeLog): WebhookReceived[] {
  return log.sent.map((outgoing) => outgoing.message?.value as WebhookReceived);
}

export const brokersGone = async (): Promise<void> => {
  throw new Fault('no broker', { kind: 'transient', code: 'BROKER_UNAVAILABLE', stage: 'publish' });
};

/** A push source, signed our way unless `changes` say otherwise; its secret is k1. */
export function pushSource(sourceId: string, changes: Partial<WebhookSource> = {}): WebhookSource {
  return {
    source_id: sourceId,
    kind: 'webhook',
    scheme: 'waybill-hmac',
    secrets: { k1: 'secret://files/test#k1' },
    tolerance_s: 300,
    ...changes,
  };
}

/** A tenant with one push source `dispatch`, tolerance 300 s, and further ones. */
export function tenant(
  tenantId: string,
  secrets: Record<string, string>,
  further: readonly WebhookSource[] = [],
): TenantModel {
  return {
    tenant_id: tenantId,
    company: {
      company_id: tenantId,
      name: tenantId,
      zone: 'America/Los_Angeles',
      currency: 'USD',
      grace_hours: 6,
      beyond_grace: 'task',
      closed_period: 'amend',
    },
    sources: [pushSource('dispatch', { secrets }), ...further],
    events: tenantModel.shape.events.parse({ trip: 'off', site_visit: 'off' }),
    detection: tenantModel.shape.detection.parse({ movement_source: 'position' }),
    erp: {
      target: 'erp',
      adapter: 'postgres',
      url: 'secret://files/x#erp_url',
      max_writes_per_s: 100,
    },
    ownership: [],
    mappings: [],
  };
}

export interface Harness {
  readonly service: RunningService;
  readonly url: string;
  readonly log: FakeLog;
  /** Values behind `secret://files/test#<field>`; a missing field cannot be read. */
  readonly secrets: Map<string, string>;
  readonly lines: {
    readonly level: string;
    readonly msg: string;
    readonly fields: { reason?: unknown };
  }[];
  readonly configure: (tenantId: string, message: TenantConfigured | null) => void;
  /** Applies bay-cabs anew: `dispatch` with k1 and k2, and these sources. */
  readonly addSources: (...sources: readonly WebhookSource[]) => void;
  readonly metricsText: () => Promise<string>;
  /** ms since epoch; undefined = the real clock. */
  clock: number | undefined;
}

export interface HarnessOptions {
  readonly databaseUrl: string;
  readonly log?: FakeLog;
  /** Take the place of the defaults. */
  readonly config?: Partial<ServiceConfig>;
}

export async function startHarness(options: HarnessOptions): Promise<Harness> {
  const log = options.log ?? fakeLog();
  const secrets = new Map([['k1', 'geheim-1']]);
  const lines: Harness['lines'] = [];
  const write =
    (level: string) =>
    (fields: object, msg: string): void => {
      lines.push({ level, msg, fields });
    };
  let onTable: OnTable = () => undefined;
  const metrics = createMetrics('ingest');
  const service = await createService(
    {
      INGEST_HTTP_HOST: '127.0.0.1',
      INGEST_HTTP_PORT: 0,
      INGEST_LEASE_S: 30,
      INGEST_SEND_TIMEOUT_MS: 1000,
      INGEST_IN_FLIGHT_MAX: 64,
      INGEST_IN_FLIGHT_BYTES: 32 * 1024 * 1024,
      INGEST_CONNECTIONS_MAX: 200,
      INGEST_DRAIN_DELAY_MS: 0,
      INGEST_DRAIN_DEADLINE_MS: 5000,
      INGEST_CLAIM_RETENTION_H: 168,
      INGEST_SECRETS_MAX_AGE_MS: 0,
      INGEST_TRUSTED_PROXIES: ['none'],
      INGEST_EVENT_ORIGINS: ['none'],
      INGEST_TOKEN_KEY: undefined,
      INGEST_TOKEN_LIFE_S: 600,
      INGEST_TLS_CERT_FILE: undefined,
      INGEST_TLS_KEY_FILE: undefined,
      INGEST_TLS_CLIENT_CA_FILE: undefined,
      INGEST_TLS_RELOAD_MS: 100,
      INGEST_IPS_PORT: undefined,
      INGEST_IPS_TLS: false,
      INGEST_IPS_CONNECTIONS_MAX: 100,
      INGEST_IPS_IDLE_S: 60,
      ...options.config,
    },
    {
      streams: fakeStreams(log, (listener) => (onTable = listener)),
      pool: createPool(options.databaseUrl, { applicationName: 'ingest', max: 4 }),
      secrets: async (reference) => {
        const value = secrets.get(reference.slice(reference.indexOf('#') + 1));
        if (value !== undefined) return value;
        throw new Fault('gone', { kind: 'misconfigured', code: 'SECRET_MISSING', stage: 'start' });
      },
      metrics: ingestMetrics(metrics),
      tracing: startTracing({ service: 'ingest', endpoint: undefined }),
      logger: {
        debug: write('debug'),
        info: write('info'),
        warn: write('warn'),
        error: write('error'),
      },
      now: () => harness.clock ?? Date.now(),
    },
  );
  const harness: Harness = {
    service,
    url: `${options.config?.INGEST_TLS_CERT_FILE === undefined ? 'http' : 'https'}://127.0.0.1:${String(service.started?.['webhook_port'])}/webhooks/telematics`,
    log,
    secrets,
    lines,
    configure: (tenantId, message) => {
      const outer = message === null ? null : { type: 'TenantConfigured', value: message };
      onTable({} as Topic, tenantId, outer);
    },
    addSources: (...sources) => {
      const keys = { k1: 'secret://files/test#k1', k2: 'secret://files/test#k2' };
      harness.configure('bay-cabs', configured(tenant('bay-cabs', keys, sources)));
    },
    metricsText: metrics.text,
    clock: undefined,
  };
  harness.addSources();
  return harness;
}

function fakeStreams(
  log: FakeLog,
  follow: (listener: OnTable) => void,
): Pick<Streams, 'publisher' | 'follow' | 'close'> {
  return {
    publisher: async () => ({
      send: async (records) => {
        await log.behaviour();
        for (const record of records) {
          const isRaw = record.topic === topics.webhookRaw;
          (isRaw ? log.sent : log.quarantined).push(record);
        }
      },
      close: async () => undefined,
    }),
    follow: async (_tables, listener) => {
      follow(listener ?? (() => undefined));
      return {
        tables: { get: () => undefined, entries: () => new Map<string, never>().entries() },
        stop: async () => undefined,
      };
    },
    close: async () => undefined,
  };
}

/** Under which a key of `bay-cabs/dispatch` is kept in the tables of claims. */
export function claimId(key: string): string {
  return hashId('webhook', 'bay-cabs', 'dispatch', key);
}

/** A body of the published form; `changes` go into `data`. */
export function eventBody(id: string, changes: object = {}): string {
  const data = { trip_id: 'T-9001', status: 'arrived', ts: '2025-10-29T14:01:00Z', ...changes };
  return JSON.stringify({ event: 'trip.status.changed', id, data });
}

export interface Request {
  readonly body: string | Buffer;
  /** null = no such header; default: a new one. */
  readonly key?: string | null;
  /** Seconds since epoch; default now. */
  readonly t?: number;
  readonly secret?: string;
  /** Takes the place of the computed header; null = none. */
  readonly signature?: string | null;
  readonly source?: string | null;
  readonly path?: string;
  readonly headers?: Record<string, string>;
}

export function signatureOf(body: string | Buffer, t: number, secret: string): string {
  return `t=${t},s=sha256=${createHmac('sha256', secret).update(`${t}.`).update(body).digest('hex')}`;
}

export async function post(harness: Harness, request: Request): Promise<Response> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    ...request.headers,
  };
  const t = request.t ?? Math.floor((harness.clock ?? Date.now()) / 1000);
  const signature =
    request.signature === undefined
      ? signatureOf(request.body, t, request.secret ?? 'geheim-1')
      : request.signature;
  const key = request.key === undefined ? randomUUID() : request.key;
  const source = request.source === undefined ? 'bay-cabs/dispatch' : request.source;
  if (signature !== null) headers['x-signature'] = signature;
  if (key !== null) headers['idempotency-key'] = key;
  if (source !== null) headers['x-waybill-source'] = source;
  return fetch(`${harness.url}${request.path ?? ''}`, {
    method: 'POST',
    headers,
    body: request.body,
  });
}

/** The audit as the internal port answers it: by Request-Id, or `?tenant=&source=` for the newest. */
export async function refusalsOf(
  harness: Harness,
  what: string,
): Promise<readonly Record<string, unknown>[]> {
  const url = new URL(`http://internal/refusals${what.startsWith('?') ? what : `/${what}`}`);
  const route =
    harness.service.routes?.[what.startsWith('?') ? 'GET /refusals' : 'GET /refusals/*'];
  const answer = await route?.(url, Buffer.alloc(0));
  const body = answer?.body as { refusals: Record<string, unknown>[] } | undefined;
  return body?.refusals ?? [];
}
