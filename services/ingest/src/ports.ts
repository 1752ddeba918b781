import type { Violation, WebhookReceived } from '@waybill/contracts';
import type { Pool } from '@waybill/postgres';
import type { Tracing } from '@waybill/runtime';
import type { Streams } from '@waybill/stream';
import type { IpsSource, RateLimit, WebhookSource } from '@waybill/tenant';
import type { RefusalCode } from './core/answer.ts';
import type { SourceAddress } from './core/source-address.ts';
import type { IngestMetrics } from './metrics.ts';

/** A source that sends by Wialon IPS, and whose it is. */
export interface IpsSourceAt extends SourceAddress {
  readonly source: IpsSource;
}

/** The units of all tenants by the ids of their devices, as their Wialon accounts have them now. */
export interface DeviceDirectory {
  readonly unitOf: (tenantId: string, device: string) => string | undefined;
  readonly size: () => number;
  readonly stop: () => Promise<void>;
}

/** The push sources of all tenants, always as of the newest applied tenant files. */
export interface SourceDirectory {
  readonly find: (address: SourceAddress) => WebhookSource | undefined;
  /** Those that send by Wialon IPS. A source that is applied anew unchanged stays the same object. */
  readonly ips: () => readonly IpsSourceAt[];
  /** Of all sources of a tenant together. */
  readonly limitOf: (tenantId: string) => RateLimit | undefined;
  readonly size: () => number;
  readonly stop: () => Promise<void>;
}

/** The value behind a secret reference, read anew. Rejects with Fault `misconfigured`. */
export type SecretStore = (reference: string) => Promise<string>;

/** Appends raw records; resolves when all replicas confirmed, else rejects with a Fault. */
export interface RawLog {
  readonly append: (record: WebhookReceived, traceparent: string | undefined) => Promise<void>;
}

/** A body of an authenticated sender that is not taken over. */
export interface RejectedBody extends SourceAddress {
  readonly code: RefusalCode;
  readonly violations: readonly Violation[];
  readonly body: Buffer;
}

/**
 * Keeps rejected bodies for people to look at, within a budget per source; beyond it they are only
 * counted. Rejects with a Fault when the brokers do not confirm: then the sender is asked to repeat.
 */
export interface Quarantine {
  readonly keep: (rejected: RejectedBody) => Promise<void>;
}

/** Signed bytes that must not come again under another key. */
export interface RememberedBytes {
  /** Hash of tenant, source and what is signed: 32 hex digits. */
  readonly id: string;
  /** The time that is signed; ms since epoch. Once they are too old by it they need not be remembered. */
  readonly signedTime: number;
}

export interface ClaimRequest {
  /** Hash of tenant, source and key: what the claim is kept under. 32 hex digits. */
  readonly requestId: string;
  /** 64 hex digits. */
  readonly bodySha256: string;
  /** Undefined: nothing to remember against replays. */
  readonly signed: RememberedBytes | undefined;
  /** Wall time of receipt; a taken-over claim keeps the first. */
  readonly receivedTime: number;
}

/** The claim is ours, and everybody else waits, before it is on disk. */
export interface GrantedClaim {
  readonly kind: 'granted';
  readonly attempt: number;
  readonly receivedTime: number;
  /**
   * Resolves when it is on disk: nobody may be answered before. Rejects with a Fault of the database; then
   * the claim may be lost and is to be released.
   */
  readonly committed: Promise<void>;
}

/**
 * What became of a claim.
 *
 * granted: nobody has this key, or its holder let the lease run out; do the work, then complete it.
 * done: the work was done for the same body; answer it again. running: another request is at it. other_body: the key
 * stands for another body. replayed: these signed bytes came with another key before.
 */
export type Claim =
  | GrantedClaim
  | { readonly kind: 'done' }
  | { readonly kind: 'running' }
  | { readonly kind: 'other_body' }
  | { readonly kind: 'replayed' };

/**
 * Idempotency-Keys. Methods reject with a Fault of the database. Every granted claim must be completed or
 * released.
 */
export interface ClaimStore {
  readonly claim: (request: ClaimRequest) => Promise<Claim>;
  /**
   * Called after the brokers confirmed; from then on repeats here get the answer, and repeats at other
   * instances soon after, when the database knows. Returns at once and never throws.
   */
  readonly complete: (requestId: string) => void;
  /** Called when the work failed: the next request with the key may start at once. */
  readonly release: (requestId: string) => Promise<void>;
  /**
   * Ends with what was completed told to the database; what it cannot be told, or comes later, runs out
   * as a lease.
   */
  readonly close: () => Promise<void>;
  /** Forgets what is too old to matter; returns how many keys. */
  readonly sweep: () => Promise<number>;
}

/** Why one request was not authenticated; the only place, beside the log, that knows. */
export interface RecordedRefusal {
  /** The Request-Id that the sender was given. */
  readonly http_request_id: string;
  /** ms since epoch. */
  readonly refused_time: number;
  /** As claimed; null when nothing of the form was. */
  readonly tenant_id: string | null;
  readonly source_id: string | null;
  readonly reason: string;
  readonly detail: string | null;
  readonly client_address: string;
  readonly body_bytes: number;
  /** Hex. */
  readonly body_sha256: string;
}

/** The audit of refused requests. */
export interface RefusalLog {
  /** Returns at once; the row is written soon after. Never throws. */
  readonly record: (refusal: RecordedRefusal) => void;
  /** By Request-Id. Rejects with a Fault of the database. */
  readonly find: (httpRequestId: string) => Promise<readonly RecordedRefusal[]>;
  /** The newest first, at most 100. Rejects with a Fault of the database. */
  readonly newest: (tenantId?: string, sourceId?: string) => Promise<readonly RecordedRefusal[]>;
}

export interface Logger {
  readonly debug: (fields: object, message: string) => void;
  readonly info: (fields: object, message: string) => void;
  readonly warn: (fields: object, message: string) => void;
  readonly error: (fields: object, message: string) => void;
}

/** What createService needs from outside. The service closes streams and pool when it stops. */
export interface Ports {
  readonly streams: Pick<Streams, 'publisher' | 'follow' | 'close'>;
  readonly pool: Pool;
  readonly secrets: SecretStore;
  readonly metrics: IngestMetrics;
  readonly tracing: Pick<Tracing, 'span'>;
  readonly logger: Logger;
  /** Wall time, ms since epoch. */
  readonly now: () => number;
}
