import type { PageFetched } from '@waybill/contracts';
import { bodyHash, hashId, shortHash } from '@waybill/domain';
import type { Fault } from '@waybill/fault';
import type { Session } from './ask.ts';
import { publishPages, type AccountContext } from './context.ts';
import { publicParameters } from './core/page.ts';
import { redact } from './core/redact.ts';
import { PART_BYTES } from './core/split-body.ts';
import { extractorFault, unusableAnswerOf, withAnswer } from './errors.ts';
import type { UnusableAnswer } from './ports.ts';

/** What was asked. */
export interface AskedCall {
  readonly service: string;
  /** As sent, secrets included. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly sid: string | undefined;
}

/** Session hash of a call that needs none. */
const NO_SESSION = 'none';

function secretsOf({ parameters, sid }: AskedCall): string[] {
  const { token } = parameters;
  return [sid, token].filter((secret): secret is string => typeof secret === 'string');
}

/** One record, cut to the size of a part: of what is no JSON the start says enough. */
function pageOf(
  context: AccountContext,
  asked: AskedCall,
  { status, contentType, body }: UnusableAnswer,
  reason: string,
): PageFetched {
  const { tenantId, sourceId, account } = context.account;
  const { service, parameters, sid } = asked;
  const sha256 = bodyHash(body);
  return {
    tenant_id: tenantId,
    source_id: sourceId,
    account,
    page_id: hashId('page', tenantId, sourceId, account, service, 'unusable', sha256),
    call: service,
    parameters: publicParameters(parameters),
    unit: null,
    window_from_time: null,
    window_to_time: null,
    session_hash: sid === undefined ? NO_SESSION : shortHash(sid),
    received_time: context.ports.clock.now(),
    provider_now_time: null,
    first_index: 0,
    message_count: 0,
    part: 0,
    parts: 1,
    body_sha256: sha256,
    body: redact(body, secretsOf(asked)).subarray(0, PART_BYTES),
    unusable_reason: reason,
    http_status: status,
    content_type: contentType,
    body_bytes: body.length,
  };
}

/**
 * Keeps the bytes that a failed call brought in the raw topic, where the transformer refuses them for people to see;
 * an error without bytes changes nothing. What is not kept, because an equal one was or because there are too
 * many, is logged and counted like the others. Throws what the log throws.
 */
export async function keepUnusable(
  context: AccountContext,
  asked: AskedCall,
  error: unknown,
  isBackfill: boolean = false,
): Promise<void> {
  const answer = unusableAnswerOf(error);
  if (answer === undefined || answer.body.length === 0 || context.signal.aborted) return;
  const { ports, memory, fields } = context;
  // A Fault of ours: its message quotes nothing of the answer.
  const reason = (error as Fault).message;
  const page = pageOf(context, asked, answer, reason);
  const outcome = memory.unusable.take(asked.service, page.body_sha256, page.received_time);
  ports.metrics.unusable(outcome);
  const { status } = answer;
  const { body_sha256: sha256, body_bytes: bytes } = page;
  const { service: api_service } = asked;
  ports.logger.warn(
    { ...fields, api_service, reason, status, bytes, sha256, outcome },
    'answer.unusable',
  );
  if (outcome === 'kept') await publishPages(context, [page], undefined, [], isBackfill);
}

/** JSON of another shape than the call answers with: keeps it and gives the Fault to throw. */
export async function wrongShape(
  context: AccountContext,
  session: Session,
  asked: Omit<AskedCall, 'sid'>,
  found: { readonly body: Buffer; readonly expected: string },
): Promise<Fault> {
  const { body, expected } = found;
  const fault = withAnswer(
    extractorFault('PROVIDER_GARBLED', `${asked.service}: expected ${expected}`),
    { status: 200, contentType: null, body },
  );
  await keepUnusable(context, { ...asked, sid: session.sid }, fault, session.lane === 'backfill');
  return fault;
}
