import type { Dialect } from './dialect.ts';
import { github } from './dialects/github.ts';
import { motive } from './dialects/motive.ts';
import { samsara } from './dialects/samsara.ts';
import { standardWebhooks } from './dialects/standard-webhooks.ts';
import { stripe } from './dialects/stripe.ts';
import { waybillHmac } from './dialects/waybill-hmac.ts';

/** Every way to sign that we know, by name. A new sender is one more file and its line here. */
export const dialects = {
  'waybill-hmac': waybillHmac,
  'standard-webhooks': standardWebhooks,
  stripe,
  github,
  samsara,
  motive,
} satisfies Readonly<Record<string, Dialect>>;

export type DialectName = keyof typeof dialects;

/** Names of the dialects, for choices. */
// Object.keys of a constant object gives exactly its keys.
export const dialectNames = Object.keys(dialects) as [DialectName, ...DialectName[]];

export function isDialectName(name: string): name is DialectName {
  return Object.hasOwn(dialects, name);
}
