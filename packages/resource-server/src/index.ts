export type { Caller, CallerOwner } from './caller.ts';
export type { ChannelMessages } from './channels.ts';
export type { ClientCertificateSource } from './client-certificate.ts';
export type { VerifierOptions } from './options.ts';
export type { ProofWindow } from './proof-check.ts';
export type { PublicOriginOptions } from './public-origin.ts';
export type { RefusalReason } from './reason.ts';
export type { ReceiptOptions } from './receipt-options.ts';
export { createRedisReplayStore, type RedisClient, type RedisReplayStoreOptions } from './redis-replay-store.ts';
export { Refusal } from './refusal.ts';
export type { IncomingRequest, NodeRequest } from './request-facts.ts';
export type { ResourceMetadata } from './resource-metadata.ts';
export type { TokenAlgorithm } from './token-algorithm.ts';
export {
  readIssuerFile,
  type IntrospectionOptions,
  type RevocationOptions,
  type TrustedIssuer,
} from './trusted-issuer.ts';
export { createVerifier, type Verifier } from './verifier.ts';
export { createMemoryReplayStore, type MemoryReplayStoreOptions, type ReplayStore } from '@tallystick/dpop';
