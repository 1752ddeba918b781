import { z } from 'zod';

/** A secret by reference: `secret://<store>/<path>#<field>`. Literals are refused. */
export const secretReference: z.ZodString = z
  .string()
  .regex(/^secret:\/\/[a-z]+\/[^#]+#[A-Za-z0-9_]+$/, 'expected secret://<store>/<path>#<field>');

/** Name of a tenant, company, source or target. */
export const name: z.ZodString = z
  .string()
  .regex(/^[a-z][a-z0-9-]{1,40}$/, 'expected lower case letters, digits, hyphens');
