import { z } from 'zod';
import { name, secretReference } from './reference.ts';

/** What the provider allows one account; the defaults are its documented limits. */
const limits = z.strictObject({
  /** Live sessions per user and address. */
  sessions: z.number().int().min(2).max(1000).default(100),
  /** avl_evts per session in 10 s. */
  polls_per_10_s: z.number().int().min(1).max(100).default(10),
  /** Calls of one session per second; not documented, 10 at the same time is. */
  session_calls_per_s: z.number().positive().max(1000).default(10),
  /** Messages that may be loaded from the store, per time. */
  messages_per_2_min: z.number().int().positive().default(15_000_000),
  messages_per_hour: z.number().int().positive().default(200_000_000),
  messages_per_day: z.number().int().positive().default(1_000_000_000),
});

/** How complete an account is kept beside its live feed. */
const proof = z.strictObject({
  /** Hour of the day (UTC) at which the counts of the past day are compared. */
  hour_utc: z.number().int().min(0).max(23).default(1),
  /** Days are compared once more when they are so old: later messages are not looked for. 0 = no proof. */
  days: z.number().int().min(0).max(30).default(10),
});

/** A Wialon account that is pulled. */
export const wialonSource = z.strictObject({
  source_id: name,
  kind: z.literal('wialon'),
  account: z.string(),
  url: z.url(),
  /** One or two tokens; the second is used when the first is refused. */
  tokens: z.array(secretReference).min(1).max(2),
  /** First instant of the first read. */
  read_from: z.iso.datetime(),
  /** Wall time between two polls of the live feed; the provider allows 10 per 10 s. */
  poll_interval_ms: z.number().int().min(1000).max(60_000).default(2000),
  /** Messages per messages/get_messages. */
  page_messages: z.number().int().min(1).max(10_000).default(1000),
  /** How far before a gap in the live feed intervals are read again, for messages registered late. */
  gap_lookback_hours: z.number().positive().max(100_000).default(1),
  /** Sessions of each shard that read intervals, beside its live one. */
  readers: z.number().int().min(1).max(50).default(2),
  /** Parts of a very large account, each with its share of the limits and its own live session. */
  shards: z.number().int().min(1).max(16).default(1),
  /** What the plan reckons with. */
  expected_units: z.number().int().positive().default(500),
  expected_message_interval_s: z.number().positive().default(30),
  limits: limits.prefault({}),
  proof: proof.prefault({}),
});

/** A Wialon account as the tenant file has it. */
export type WialonSource = z.infer<typeof wialonSource>;

/** What the provider allows one account. */
export type WialonLimits = WialonSource['limits'];
