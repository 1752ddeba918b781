import { mediaTypeOf, type WebhookReceived } from '@waybill/contracts';
import { IPS_CONTENT_TYPE } from '@waybill/domain';
import { parseJson } from './json.ts';

const FORM = 'application/x-www-form-urlencoded';

/** `name=value&…` as an object of texts, or undefined when it is none. */
function formOf(text: string): Readonly<Record<string, string>> | undefined {
  if (!/^[^=&\s]+=/.test(text)) return undefined;
  return Object.fromEntries(new URLSearchParams(text));
}

/**
 * What a pushed body holds: JSON whatever its content type says (authors of notifications write JSON into
 * what is sent as a form), else the text of a packet, or the fields of a form. Undefined: none of them.
 */
export function pushedBody(
  request: WebhookReceived,
  text: string,
): { readonly value: unknown } | undefined {
  const type = request.content_type === null ? undefined : mediaTypeOf(request.content_type);
  if (type === IPS_CONTENT_TYPE) return { value: text };
  const json = parseJson(text);
  if (json !== undefined || type !== FORM) return json;
  const form = formOf(text);
  return form === undefined ? undefined : { value: form };
}
