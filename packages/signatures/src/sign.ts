import { sign as signAsymmetric } from 'node:crypto';
import type { Dialect, Signature, Stamp } from './dialect.ts';
import type { Key } from './key.ts';
import { macOf } from './verify.ts';

/**
 * The headers that make a body a signed request; several keys give several signatures, as during a
 * rotation. Throws TypeError when the stamp lacks what the dialect signs, or a key is only a public one.
 */
export function sign(
  dialect: Dialect,
  stamp: Stamp,
  keys: readonly Key[],
  body: Uint8Array,
): Record<string, string> {
  const prefix = dialect.prefix(stamp);
  const signatures = keys.map((key): Signature => {
    if (key.kind === 'hmac') {
      const { algorithm } = dialect;
      return { algorithm, bytes: macOf(algorithm, key, prefix, body) };
    }
    if (key.privateKey === undefined) throw new TypeError('a public key cannot sign');
    const signed = Buffer.concat([Buffer.from(prefix, 'latin1'), body]);
    return { algorithm: 'ed25519', bytes: signAsymmetric(null, signed, key.privateKey) };
  });
  return dialect.write(stamp, signatures);
}
