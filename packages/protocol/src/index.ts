export { formatContext, parseContext, type ClaimedProcess } from './context.ts';
export {
  formatReplyClaims,
  formatSealedReply,
  parseReplyClaims,
  parseSealedReply,
  type CredentialReply,
  type ReplyExpectation,
} from './credential-reply.ts';
export {
  formatCredentialRequest,
  formatUpstreamProofAsk,
  parseCredentialRequest,
  parseUpstreamProofAsk,
  type CredentialRequest,
  type UpstreamProof,
  type UpstreamProofAsk,
} from './credential-request.ts';
export { formatError, parseError } from './error-answer.ts';
export { createStreamReader, MAX_MESSAGE_LENGTH, type StreamMessage } from './event-stream.ts';
export {
  formatEvent,
  HEARTBEAT,
  HEARTBEAT_MS,
  parseEvent,
  PROMPT_GRACE_MS,
  SILENCE_MS,
  type SidecarEvent,
} from './events.ts';
export {
  parseIdentityDocument,
  parseState,
  type EntitledCredential,
  type IdentityDocument,
} from './identity-document.ts';
export { MAX_LOG_HEAD_LENGTH, readLogHead, type LogHead } from './log-head.ts';
export { readMaterial, type Material, type Materials } from './material.ts';
export { parseServerMetadata, serverMetadata, type ServerMetadata } from './metadata.ts';
export { createOneTimeKey, seal, type OneTimeKey } from './one-time-key.ts';
export type { P256Key } from './p256-key.ts';
export { HEADERS, htuOfRoute, PROTOCOL_VERSIONS, ROUTES } from './routes.ts';
export { verifyReply, type SignedReply } from './signed-reply.ts';
export {
  formatTokenRequest,
  formatTokenResponse,
  parseScope,
  parseTokenRequest,
  parseTokenResponse,
  type TokenRequest,
  type TokenResponse,
  type TokenType,
} from './token.ts';
export {
  formatUsageReceipt,
  formatUsageReport,
  parseUsageReceipt,
  parseUsageReport,
  USAGE_LIMITS,
  type ReportedUse,
  type UsageReceipt,
  type UsageReport,
} from './usage.ts';
