import { hash } from 'node:crypto';

/** Length of a Wialon token; any other length is bad input. */
export const TOKEN_LENGTH = 72;

/**
 * The account's test token, 72 characters, public by design: anyone can derive it from the account
 * name. `n` = 2 is the spare one, so that rotation can be tried.
 */
export function tokenOf(account: string, n: 1 | 2 = 1): string {
  const digest = hash('sha256', `wialon-twin token ${n} of ${account}`, 'hex');
  return digest + hash('sha256', digest, 'hex').slice(0, TOKEN_LENGTH - digest.length);
}
