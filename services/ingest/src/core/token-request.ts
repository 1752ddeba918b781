/** A client that asks for a token, and what it showed. */
export interface TokenRequest {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** RFC 6749, 5.2. */
export type TokenError = 'invalid_request' | 'invalid_client' | 'unsupported_grant_type';

const MAX_BYTES = 8192;

/**
 * Reads a request of RFC 6749, 4.4: grant type in the form, client id and secret in the form or in HTTP
 * Basic (both parts percent-encoded), not in both.
 */
export function parseTokenRequest(
  body: string,
  authorization: string | undefined,
): TokenRequest | TokenError {
  if (body.length > MAX_BYTES) return 'invalid_request';
  const form = new URLSearchParams(body);
  const once = (name: string): string | undefined => {
    const values = form.getAll(name);
    return values.length === 1 ? values[0] : undefined;
  };
  if (new Set(form.keys()).size !== [...form.keys()].length) return 'invalid_request';
  const grant = once('grant_type');
  if (grant === undefined) return 'invalid_request';
  if (grant !== 'client_credentials') return 'unsupported_grant_type';
  const inForm = form.has('client_id') || form.has('client_secret');
  if (authorization !== undefined) {
    return inForm ? 'invalid_request' : (parseBasic(authorization) ?? 'invalid_client');
  }
  const clientId = once('client_id');
  const clientSecret = once('client_secret');
  if (clientId === undefined || clientSecret === undefined) return 'invalid_client';
  return { clientId, clientSecret };
}

function parseBasic(authorization: string): TokenRequest | undefined {
  const encoded = /^basic +([A-Za-z0-9+/=]+)$/i.exec(authorization)?.[1];
  if (encoded === undefined) return undefined;
  const text = decodeBase64(encoded);
  const colon = text?.indexOf(':') ?? -1;
  if (text === undefined || colon < 0) return undefined;
  const clientId = decodePart(text.slice(0, colon));
  const clientSecret = decodePart(text.slice(colon + 1));
  return clientId === undefined || clientSecret === undefined
    ? undefined
    : { clientId, clientSecret };
}

function decodeBase64(encoded: string): string | undefined {
  try {
    return atob(encoded);
  } catch {
    return undefined;
  }
}

function decodePart(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
