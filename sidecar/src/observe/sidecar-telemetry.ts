import type { Traceparent } from '@tallystick/core';
import type { Attestation } from '../attest/attestor.ts';
import type { CredentialConfig } from '../config/config.ts';
import type { Lease } from '../lease/lease.ts';
import type { ProviderCall } from '../providers/guard/guard.ts';
import type { RecordInput, RecordRef } from '../record/record.ts';
import type { Census } from './census.ts';
import type { RequestSpan } from './request-span.ts';

/**
 * Hears what the sidecar does, for those who watch it. Nothing waits for it and nothing depends on it: no call throws.
 * Durations are in seconds.
 */
export interface SidecarTelemetry {
  /**
   * Begins to tell of one request.
   *
   * @param route Undefined where there is no such route.
   * @param caller What the request claims of its caller's span.
   */
  request(method: string, route: string | undefined, caller: Traceparent | undefined): RequestSpan;
  /** An attestor was asked about a new connection, and answered or failed. */
  attested(method: string, seconds: number, failure?: unknown): void;
  /** No identity matches a workload; told for each of its requests. */
  unmatched(attestation: Attestation): void;
  /** A credential was made, or its making failed. */
  minted(credential: CredentialConfig, seconds: number, failure?: unknown): void;
  /** Runs one call of a provider, and tells of it. */
  providerCall<T>(call: ProviderCall, run: () => Promise<T>): Promise<T>;
  /** A lease was replaced ahead of its end. */
  rotated(replaced: Lease): void;
  /** A lease was due to be replaced and could not be: it is served on. */
  rotationFailed(held: Lease, failure: unknown): void;
  /** A record is durable. */
  recorded(input: RecordInput, record: RecordRef, seconds: number): void;
  /** A record could not be made durable. */
  notRecorded(failure: unknown, seconds: number): void;
  /** Nothing can be recorded any more. Told once. */
  recordEnded(failure: unknown): void;
  /** A head of the log is published; told at the pace of anchors. Its root is base64. */
  checkpointPublished(head: { readonly origin: string; readonly size: number; readonly root: string }): void;
  /** Gives what can be counted at any time. Told once, at the start. */
  observe(census: Census): void;
}
