export type { Dialect, Headers, Reading, Stamp } from './dialect.ts';
export { diagnose, type Diagnosis, type DiagnosisInput } from './diagnosis/diagnose.ts';
export type { Finding, FindingCode } from './diagnosis/finding.ts';
export type { NamedSecret } from './diagnosis/search.ts';
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
