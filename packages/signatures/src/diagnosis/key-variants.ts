import type { Dialect } from '../dialect.ts';
import { decodeBase64 } from '../key.ts';
import type { Variant } from './finding.ts';

/** Key bytes that a sender may have made of the text of a secret; the right ones first. */
export function keyVariants(
  dialect: Dialect,
  secret: string,
  signatures: readonly string[],
): Variant<Buffer>[] {
  const right = dialect.key(secret);
  const variants: Variant<Buffer>[] = [];
  if (right?.kind === 'hmac') {
    variants.push({ code: undefined, what: 'the secret', value: right.key.export() });
  }
  const add = (code: Variant<Buffer>['code'], what: string, value: Buffer | undefined): void => {
    if (value === undefined || variants.some((known) => known.value.equals(value))) return;
    variants.push({ code, what, value });
  };
  const bare = secret.replace(/^wh(?:sec|sk|pk)_/, '');
  const text = (value: string): Buffer => Buffer.from(value, 'utf8');
  add('secret_encoding', 'the text of the secret was the key', text(secret));
  add('secret_encoding', 'the text of the secret without its prefix was the key', text(bare));
  add('secret_encoding', 'the secret was decoded from base64', decodeBase64(bare));
  add('secret_encoding', 'the secret was decoded from hexadecimal', fromHex(bare));
  for (const [what, changed] of [
    ['a line feed after the secret', `${secret}\n`],
    ['a carriage return and line feed after the secret', `${secret}\r\n`],
    ['a space after the secret', `${secret} `],
    ['white space around the secret was missing', secret.trim()],
    ['quotes around the secret', `"${secret}"`],
    ['single quotes around the secret', `'${secret}'`],
  ] as const) {
    add('secret_whitespace', what, text(changed));
  }
  add('secret_encoding', 'the secret was in lower case', text(secret.toLowerCase()));
  add('secret_encoding', 'the secret was in capitals', text(secret.toUpperCase()));
  add('secret_encoding', 'the secret was empty', Buffer.alloc(0));
  for (const signature of signatures) {
    add('secret_encoding', 'the signature itself was taken for the key', text(signature));
  }
  return variants;
}

function fromHex(value: string): Buffer | undefined {
  return /^(?:[0-9a-f]{2})+$/i.test(value) ? Buffer.from(value, 'hex') : undefined;
}
