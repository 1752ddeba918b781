import { shortHash } from '@waybill/domain';

/** Members of answers that open sessions, and parameters of addresses that do. */
const IN_JSON =
  /("(?:eid|sid|ssid|th|token|access_token|authHash|password)"\s*:\s*")((?:[^"\\]|\\.)+)/g;
const IN_ADDRESS = /\b((?:eid|sid|ssid|token|access_token)=)([^&"'\s<>]+)/g;

const fingerprint = (secret: string): string => `sha256:${shortHash(secret)}`;

/**
 * The bytes with every secret replaced by its fingerprint: the given ones wherever they stand, and what answers and
 * addresses name as one, also where the answer ends in the middle of it. All other bytes stay.
 */
export function redact(body: Buffer, secrets: readonly string[]): Buffer {
  // One character for each byte: what is no UTF-8 stays what it is.
  const before = body.toString('latin1');
  let text = before;
  for (const secret of secrets) {
    if (secret !== '') text = text.replaceAll(secret, fingerprint(secret));
  }
  const replace = (_all: string, head: string, secret: string): string =>
    secret.startsWith('sha256:') ? `${head}${secret}` : `${head}${fingerprint(secret)}`;
  text = text.replaceAll(IN_JSON, replace).replaceAll(IN_ADDRESS, replace);
  return text === before ? body : Buffer.from(text, 'latin1');
}
