import type { Measurement } from './measurement.ts';

/** Everything that is measured, in the order of the table. A new measurement is a file, and a line here. */
export const CATALOG: Readonly<Record<string, () => Promise<Measurement>>> = {
  'proof-creation': async () => (await import('./figures/proof-creation.ts')).proofCreation,
  fetch: async () => (await import('./figures/fetch.ts')).fetchAdded,
  verification: async () => (await import('./figures/verification.ts')).verification,
  express: async () => (await import('./figures/express.ts')).expressAdded,
  'held-credential': async () => (await import('./figures/held-credential.ts')).heldCredential,
  'sidecar-latency': async () => (await import('./figures/sidecar-latency.ts')).sidecarLatency,
  'sidecar-throughput': async () => (await import('./figures/sidecar-throughput.ts')).sidecarThroughput,
  'sidecar-memory': async () => (await import('./figures/sidecar-memory.ts')).sidecarMemory,
  'sidecar-start': async () => (await import('./figures/sidecar-start.ts')).sidecarStart,
  'growth-identities': async () => (await import('./figures/growth-identities.ts')).growthIdentities,
  'growth-leases': async () => (await import('./figures/growth-leases.ts')).growthLeases,
  'log-append': async () => (await import('./figures/log-append.ts')).logAppend,
  'log-release': async () => (await import('./figures/log-release.ts')).logRelease,
  'log-size': async () => (await import('./figures/log-size.ts')).logSize,
  'log-verification': async () => (await import('./figures/log-verification.ts')).logVerification,
  'hung-lookups': async () => (await import('./figures/hung-lookups.ts')).hungLookups,
  'vault-kv': async () => (await import('./figures/vault-kv.ts')).vaultKv,
  'growth-upstream-leases': async () => (await import('./figures/growth-upstream-leases.ts')).growthUpstreamLeases,
  'log-large': async () => (await import('./figures/log-large.ts')).logLarge,
};

/** Measured only when asked for by name: minutes, or half an hour and tens of gigabytes. Each has a table of its own. */
export const BY_NAME_ALONE: readonly string[] = ['growth-upstream-leases', 'log-large'];
