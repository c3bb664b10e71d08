import type { Clock, Random, Timers } from '@tallystick/core';
import type { Attestation } from './attest/attestor.ts';
import type { Config } from './config/config.ts';
import type { AssertionKeys } from './issuer/assertion-keys.ts';
import type { Signer } from './issuer/signer.ts';
import type { Peer } from './listen/peer.ts';
import type { Log } from './observe/log.ts';
import type { Metrics } from './observe/metrics.ts';
import type { SidecarTelemetry } from './observe/sidecar-telemetry.ts';
import type { Upstreams } from './providers/upstreams.ts';
import type { Fingerprint } from './record/fingerprint/fingerprint.ts';
import type { LateStore } from './record/late-records.ts';
import type { EarlierReports } from './record/usage/earlier-reports.ts';
import type { LogHeads } from './record/heads/log-heads.ts';
import type { PublishedLogs } from './record/published-logs.ts';
import type { Recorder } from './record/record.ts';
import type { RecordedRegistry } from './record/registry/recorded-registry.ts';
import type { Standing } from './state/standing.ts';
import type { UpstreamLeases } from './state/upstream-leases.ts';

/** What a sidecar is assembled from: everything that touches the world. */
export interface Outside {
  readonly config: Config;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly recorder: Recorder;
  /** The signed heads of its log. */
  readonly heads: LogHeads;
  readonly publishedLogs: PublishedLogs;
  /** Reports of use that an earlier run has recorded. */
  readonly earlierReports: EarlierReports;
  /** Names a secret in the record. */
  readonly fingerprint: Fingerprint;
  /** Revocations and suspensions that are not on record yet. */
  readonly lateStore: LateStore;
  /** What the log knows of identities. */
  readonly recorded: RecordedRegistry;
  /** True where the log takes the place of an earlier one. */
  readonly continuesLog: boolean;
  readonly signer: Signer;
  /** Signs sealed answers. */
  readonly replySigner: Signer;
  /** What the sidecar proves by to upstreams who it is. */
  readonly assertionKeys: AssertionKeys;
  readonly upstreams: Upstreams;
  readonly upstreamLeases: UpstreamLeases;
  readonly standing: Standing;
  readonly attest: (peer: Peer) => Attestation | Promise<Attestation>;
  /** Returns what finds the identities of a configuration that an attestation matches. */
  readonly matcher: (identities: Config['identities']) => (attestation: Attestation) => Config['identities'];
  readonly telemetry: SidecarTelemetry;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly node: string;
  readonly version: string;
  /** Names this run. */
  readonly epoch: string;
  /** Issues of one credential to one identity in a minute. */
  readonly issuesPerMinute?: number;
}
