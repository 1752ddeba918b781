import { z } from 'zod';
import { rateLimit } from './rate-limit.ts';
import { name, secretReference } from './reference.ts';

/**
 * A retranslator, or trackers themselves, that send by Wialon IPS 2.0. Which tenant a connection belongs to is
 * decided by its password or, without one, by its address; which unit it is, by the device id that a Wialon
 * account of the tenant has for it.
 */
export const ipsSource = z.strictObject({
  source_id: name,
  kind: z.literal('ips'),
  /** Valid passwords by key id; several during a rotation. None: the allowlist alone decides. */
  secrets: z.record(z.string(), secretReference).default({}),
  /** Addresses and networks (CIDR), v4 or v6, from which it may come. Absent: from everywhere. */
  allowlist: z.array(z.string()).min(1).max(256).optional(),
  /** Packets of this source, per instance of ingest; more are slowed down. Absent: no limit. */
  limit: rateLimit.optional(),
});

export type IpsSource = z.infer<typeof ipsSource>;
