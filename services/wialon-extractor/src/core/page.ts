import type { PageFetched } from '@waybill/contracts';
import { bodyHash, hashId, shortHash } from '@waybill/domain';
import type { Account } from './account.ts';
import { splitBody, type BodyShape } from './split-body.ts';

/** An answer and what asked for it. */
export interface Fetched {
  readonly call: string;
  /** As sent, secrets included; they are hashed here. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly shape: BodyShape;
  readonly body: Buffer;
  /** Elements in the body. */
  readonly count: number;
  /** Index of the first element in the provider's result. */
  readonly firstIndex: number;
  readonly unit: string | null;
  /** Window of messages asked for, ms. */
  readonly windowFromTime: number | null;
  readonly windowToTime: number | null;
  readonly sessionHash: string;
  /** Wall time of the answer, ms. */
  readonly receivedTime: number;
  /** The provider's clock in the answer, ms. */
  readonly providerNowTime: number | null;
}

/** What every answer says that is what its call answers with. */
const USABLE = {
  unusable_reason: null,
  http_status: null,
  content_type: null,
  body_bytes: null,
} as const;

const SECRETS: ReadonlySet<string> = new Set(['sid', 'token', 'h', 'eid', 'authHash', 'password']);

/** JSON of the parameters with every secret replaced by a fingerprint. */
export function publicParameters(parameters: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(parameters, (key, value: unknown) =>
    SECRETS.has(key) ? `sha256:${shortHash(String(value))}` : value,
  );
}

/**
 * The records of one answer: one, or several when the body is over the limit. `page_id` hashes account,
 * call, window and body, so repeated reads of equal answers have equal ids.
 */
export function pageRecords(account: Account, fetched: Fetched): readonly PageFetched[] {
  const sha256 = bodyHash(fetched.body);
  const parameters = publicParameters(fetched.parameters);
  const parts = splitBody(fetched.body, fetched.shape, fetched.count);
  return parts.map((part, index) => ({
    tenant_id: account.tenantId,
    source_id: account.sourceId,
    account: account.account,
    page_id: hashId(
      'page',
      account.tenantId,
      account.sourceId,
      account.account,
      fetched.call,
      fetched.unit ?? '',
      fetched.windowFromTime ?? '',
      fetched.windowToTime ?? '',
      fetched.firstIndex,
      sha256,
      index,
    ),
    call: fetched.call,
    parameters,
    unit: fetched.unit,
    window_from_time: fetched.windowFromTime,
    window_to_time: fetched.windowToTime,
    session_hash: fetched.sessionHash,
    received_time: fetched.receivedTime,
    provider_now_time: fetched.providerNowTime,
    first_index: fetched.firstIndex + part.firstIndex,
    message_count: part.count,
    part: index,
    parts: parts.length,
    body_sha256: sha256,
    body: part.body,
    ...USABLE,
  }));
}
