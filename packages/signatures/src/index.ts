export type { Dialect, Headers, Reading, Stamp } from './dialect.ts';
export { dialectNames, dialects, isDialectName, type DialectName } from './dialects.ts';
export type { Key } from './key.ts';
export { sign } from './sign.ts';
export {
  signedSha256,
  verify,
  type Clock,
  type KeyedKey,
  type SignatureReason,
  type SignedRequest,
  type Verdict,
} from './verify.ts';
