import type { Binding } from '@tallystick/core';
import type { CredentialBody, RecordInput } from '../record/record.ts';

/** What is counted of a release. */
export interface Release {
  readonly binding: Binding;
  /** How it reaches the workload. */
  readonly delivery: 'sealed' | 'plain';
}

/** Returns what a record tells of a release; undefined where it is of something else. */
export function releaseOf({ type, body }: RecordInput): Release | undefined {
  if (type !== 'credential.released') return undefined;
  const { binding, provider } = body as CredentialBody;
  // The routes say so: tokens of our own issuer go as RFC 6749 has them, all else is sealed.
  return binding === null ? undefined : { binding, delivery: provider === 'issuer' ? 'plain' : 'sealed' };
}
