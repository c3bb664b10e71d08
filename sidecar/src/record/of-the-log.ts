/** Envelope of what the log tells of itself. */
export const OF_THE_LOG = {
  actor: 'sidecar',
  owner: null,
  process: null,
  registry: null,
  lease: null,
  outcome: 'success',
  reason: null,
  trace: null,
} as const;
