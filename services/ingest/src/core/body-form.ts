import { mediaTypeOf } from '@waybill/contracts';

/** Fields of one form; far above what the author of a notification writes. */
const FIELDS_MAX = 1000;

/** Media type of `name=value&…`, under which Wialon posts notifications. */
const FORM = 'application/x-www-form-urlencoded';

/** All of them stand as %XX in what a form's sender escapes; tab and line ends may come as they are. */
const CONTROL = /(?![\t\r\n])\p{Cc}/u;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** True for a body that its sender calls a form. */
export function isForm(contentType: string | undefined): boolean {
  return contentType !== undefined && mediaTypeOf(contentType) === FORM;
}

/**
 * What is wrong with a form; undefined = nothing. Whether values are escaped is not asked: the author of a
 * notification writes its text, and the provider puts names of units and zones into it.
 */
export function formProblem(body: Uint8Array): string | undefined {
  let text: string;
  try {
    text = decoder.decode(body);
  } catch {
    return 'expected UTF-8, found other bytes';
  }
  if (!/^[^=&\s]+=/.test(text)) return 'expected JSON or name=value joined by &, found other text';
  if (CONTROL.test(text)) return 'expected a form without control characters, found one';
  return text.split('&').length > FIELDS_MAX
    ? `expected at most ${FIELDS_MAX} fields, found more`
    : undefined;
}
