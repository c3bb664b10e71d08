import { ERROR_CODES, TallystickError, type Clock } from '@tallystick/core';
import type { Decision } from '../authorize/authorize.ts';
import type { CredentialConfig } from '../config/config.ts';
import { certificateOf } from '../lease/bound-tokens.ts';
import type { Lease } from '../lease/lease.ts';
import { secretOf } from '../lease/secret-of.ts';
import type { EndedStatus, Ending } from '../lease/upstream-ending.ts';
import type { Made } from '../providers/provider.ts';
import { Denial } from '../release/denial.ts';
import { bodyOf, envelopeOf, type Asked } from './asked.ts';
import type { Fingerprint } from './fingerprint/fingerprint.ts';
import type { FloodGate } from './flood.ts';
import type { CredentialBody, Recorder, RecordInput, RecordRef } from './record.ts';

/** What came of an intent: what was made, or why nothing was. */
export interface UpstreamOutcome {
  readonly provider: string;
  readonly made?: Made;
  readonly error?: unknown;
  /** False where it is certain that nothing was made. */
  readonly isMade?: false | undefined;
}

/** Why a credential whose release is on record did not leave. */
export type Undelivered = 'withdrawn' | 'expired' | 'client_gone' | 'not_sealed';

/** Records what became of requests for credentials. */
export interface CredentialRecords {
  /** That an upstream is about to be asked for a credential. Durable when it resolves. */
  intent(asked: Asked, credential: CredentialConfig, leaseId: string): Promise<RecordRef>;
  /** What the upstream did about an intent. Durable when it resolves. */
  outcome(asked: Asked, leaseId: string, intent: RecordRef, outcome: UpstreamOutcome): Promise<RecordRef>;
  /** What came of ending upstream what was made for a lease. Not waited for: the right has been taken away already. */
  endedUpstream(ending: Ending, status: EndedStatus): void;
  /** That a lease was extended upstream. Durable when it resolves. */
  renewed(asked: Asked, lease: Lease, expiresAtMs: number): Promise<RecordRef>;
  /** Durable when it resolves. */
  released(release: {
    readonly asked: Asked;
    readonly lease: Lease;
    readonly source: 'minted' | 'cache';
    readonly replaced: Lease | undefined;
    readonly recordId: string;
  }): Promise<RecordRef>;
  /** Returns the id of a record to come. */
  newId(): string;
  /** Says that a release on record did not leave. Not waited for: nothing leaves with it. */
  undelivered(asked: Asked, lease: Lease, released: RecordRef, why: Undelivered): void;
  /** Returns the error to answer with, once the denial is durable, or counted in a flood. */
  denied(asked: Asked, decision: Decision & { allow: false }): Promise<TallystickError>;
}

/** The inputs of {@link createCredentialRecords}. */
export interface CredentialRecordsOptions {
  readonly recorder: Recorder;
  readonly fingerprint: Fingerprint;
  readonly flood: FloodGate;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Name of this host. */
  readonly node: string;
}

export function createCredentialRecords(options: CredentialRecordsOptions): CredentialRecords {
  const { recorder, fingerprint, flood, clock, node } = options;
  // A lease is released many times, and its token never changes.
  const fingerprints = new WeakMap<Lease, string>();
  const fingerprintOf = (lease: Lease): string => {
    let found = fingerprints.get(lease);
    if (found === undefined) fingerprints.set(lease, (found = fingerprint(secretOf(lease.material))));
    return found;
  };
  let opened: Promise<unknown> = Promise.resolve();
  const given = (lease: Lease): Pick<CredentialBody, 'binding' | 'granted' | 'handles' | 'notAfter'> => ({
    binding: lease.binding,
    granted: { audience: lease.key.credential.audience ?? null, scope: lease.key.scope },
    handles: lease.handles,
    notAfter: new Date(lease.expiresAtMs).toISOString(),
  });
  return {
    intent(asked, credential, leaseId) {
      return recorder.append({
        type: 'credential.intent',
        ...envelopeOf(asked),
        lease: leaseId,
        outcome: 'unknown',
        reason: 'entitled',
        body: bodyOf(asked, node, credential),
      });
    },

    outcome(asked, leaseId, intent, { provider, made, error, isMade }) {
      return recorder.append({
        type: 'credential.outcome',
        ...envelopeOf(asked),
        lease: leaseId,
        corr: intent.id,
        outcome: made ? 'success' : 'failed',
        reason: made ? 'entitled' : 'upstream',
        body: {
          error: made ? null : codeOf(error),
          handles: made?.handles ?? null,
          notAfter: made ? new Date(made.expiresAtMs).toISOString() : null,
          provider,
          status: made ? 'minted' : isMade === false ? 'not_made' : statusOf(error),
        },
      });
    },

    endedUpstream({ leaseId, identity, provider, handles, intent }, status) {
      const record = recorder.append({
        type: 'credential.outcome',
        actor: identity,
        owner: null,
        process: null,
        registry: null,
        trace: null,
        lease: leaseId,
        corr: intent,
        outcome: status === 'unreachable' ? 'failed' : 'success',
        reason: 'ended',
        body: {
          error: status === 'unreachable' ? 'upstream_unavailable' : null,
          handles,
          notAfter: null,
          provider,
          status,
        },
      });
      record.catch(() => {});
    },

    renewed(asked, lease, expiresAtMs) {
      return recorder.append({
        type: 'credential.renewed',
        ...envelopeOf(asked),
        lease: lease.id,
        corr: lease.upstream?.intent,
        outcome: 'success',
        reason: 'entitled',
        body: {
          ...bodyOf(asked, node, lease.key.credential),
          ...given(lease),
          fp: fingerprintOf(lease),
          notAfter: new Date(expiresAtMs).toISOString(),
        },
      });
    },

    newId: () => recorder.newId(),

    released({ asked, lease, source, replaced, recordId }) {
      return recorder.append({
        type: 'credential.released',
        id: recordId,
        ...envelopeOf(asked),
        lease: lease.id,
        corr: lease.upstream?.intent,
        refs: refsOf(lease, replaced),
        outcome: 'success',
        reason: 'entitled',
        body: {
          ...bodyOf(asked, node, lease.key.credential),
          ...given(lease),
          fp: fingerprintOf(lease),
          source,
        },
      });
    },

    undelivered(asked, lease, released, why) {
      const record = recorder.append({
        type: 'credential.undelivered',
        ...envelopeOf(asked),
        lease: lease.id,
        refs: [{ rel: 'released', id: released.id }],
        outcome: 'failed',
        reason: why,
        body: {},
      });
      // The recorder itself tells of its end.
      record.catch(() => {});
    },

    async denied(asked, decision) {
      const { uid } = asked.attestation.peer;
      const verdict = flood.denial(uid, decision.reason);
      const options = decision.remedy === undefined ? {} : { remedy: decision.remedy };
      const credential = decision.credential ?? null;
      const facts = { reason: decision.reason, credential: credential?.name ?? null };
      if (verdict === 'record') {
        const record = await recorder.append({
          type: 'credential.denied',
          ...envelopeOf(asked),
          lease: null,
          outcome: 'denied',
          reason: decision.reason,
          body: bodyOf(asked, node, credential),
        });
        return new Denial(decision.code, decision.description, { ...facts, record }, options);
      }
      if (verdict === 'open') {
        const first = new Date(clock.nowMs()).toISOString();
        opened = recorder.append({
          type: 'denied.suppressed',
          ...envelopeOf(asked),
          lease: null,
          outcome: 'denied',
          reason: decision.reason,
          body: { count: null, first, last: null, reason: decision.reason, uid },
        });
      }
      // No answer that is only counted leaves before it is on record that some are.
      await opened;
      const description = `refused too often in this minute: ${decision.description}`;
      const remedy = decision.remedy ?? ERROR_CODES[decision.code].remedy;
      return new Denial('rate_limited', description, { ...facts, record: null }, { remedy, retryAfterMs: 60_000 });
    },
  };
}

/** The leases that a release is about beside its own: the one it replaces, the certificate that a token is bound to. */
function refsOf(lease: Lease, replaced: Lease | undefined): NonNullable<RecordInput['refs']> {
  const certificate = certificateOf(lease);
  return [
    ...(certificate === undefined ? [] : [{ rel: 'bound_to', id: certificate }]),
    ...(replaced ? [{ rel: 'replaces', id: replaced.id }] : []),
  ];
}

/** What is known of an upstream that refused, or that nobody knows what it did. */
function statusOf(error: unknown): 'refused' | 'unknown' | 'unreachable' {
  const code = codeOf(error);
  if (code === 'upstream_unavailable') return 'unreachable';
  if (code === 'upstream_answer_invalid' || code === 'upstream_failed') return 'unknown';
  return code.startsWith('upstream_') ? 'refused' : 'unknown';
}

function codeOf(error: unknown): string {
  return TallystickError.is(error) ? error.code : 'internal_error';
}
