export { canonicalJson, type Json } from './jcs.ts';
export { MAX_TIMEOUT_MS, systemClock, systemTimers, type Clock, type Timer, type Timers } from './clock.ts';
export type {
  AccessTokenCredential,
  AwsCredential,
  AzureCredential,
  Binding,
  Credential,
  CredentialBase,
  CredentialOf,
  CredentialShapes,
  CredentialType,
  DatabaseCredential,
  Delivery,
  GcpCredential,
  SecretCredential,
  SshCredential,
  X509Credential,
} from './credential.ts';
export { DER } from './der.ts';
export { didYouMean, strangeOption } from './did-you-mean.ts';
export { ERROR_CODES, genericCode, isErrorCode, type ErrorCode, type ErrorEntry } from './error-codes.ts';
export { TallystickError, withoutBytes, type TallystickErrorOptions } from './errors.ts';
export {
  ASSURANCE_RANK,
  type Assurance,
  type EntitlementObject,
  type IdentityKind,
  type IdentityObject,
  type IdentityState,
  type Owner,
} from './identity.ts';
export { JWT_TYPE, type TallystickClaims } from './jwt-types.ts';
export {
  backoffMs,
  formatDuration,
  parseDurationMs,
  MAX_BACKOFF_MS,
  renewalInstant,
  rotationInstant,
  type Lifetime,
} from './lifetime.ts';
export { leafHash, merkleRoot, nodeHash } from './merkle.ts';
export { isClaimText, MAX_CLAIM_LENGTH, printable } from './printable.ts';
export { systemRandom, type Random } from './random.ts';
export {
  formatReceiptLine,
  MAX_RECEIPT_LENGTH,
  MAX_RECEIPT_TEXT,
  parseReceiptLine,
  RECEIPT_VERSION,
  type Receipt,
  type ReceiptLine,
  type ReceiptMark,
} from './receipt.ts';
export { registryDigest, type RegistryDigest } from './registry-digest.ts';
export { Secret } from './secret.ts';
export { entryFacts, requireTrustedSocket, type EntryCalls, type EntryFacts } from './socket-trust.ts';
export { isSpiffeId, isTrustDomain, parseSpiffeId, subjectMatches, type SpiffeId } from './spiffe-id.ts';
export { parseTraceparent, type Traceparent } from './traceparent.ts';
export { isLeaseId, isUlid, leaseId, ulid, ulidTimeMs } from './ulid.ts';
export { isLoopbackHost, longestUsePrefix, parseUsePrefix, type UsePrefix } from './use-prefix.ts';
export {
  indexRevocations,
  parseRevocationList,
  type RevocableToken,
  type Revocation,
  type RevocationIndex,
  type RevocationList,
} from './revocations.ts';
