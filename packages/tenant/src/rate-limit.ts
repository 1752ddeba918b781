import { z } from 'zod';

/** How much may come: a steady rate, and how much of it at once. */
export const rateLimit = z.strictObject({
  requests_per_s: z.number().positive().max(100_000),
  /** Requests that may come at once after a pause; at least one second's worth is usual. */
  burst: z.number().int().min(1).max(1_000_000),
});

export type RateLimit = z.infer<typeof rateLimit>;
