import { TallystickError, type Clock } from '@tallystick/core';
import type { TokenRequest } from '@tallystick/protocol';
import { authorizeToken } from '../authorize/authorize.ts';
import { identityState } from '../authorize/identity-state.ts';
import type { Registry } from '../authorize/registry.ts';
import type { Signer } from '../issuer/signer.ts';
import { mintToken } from '../issuer/token.ts';
import type { LeaseManager } from '../lease/lease-manager.ts';
import type { Lease } from '../lease/lease.ts';
import type { Peer } from '../listen/peer.ts';
import type { Asked, CredentialRecords } from '../record/credential-records.ts';
import type { RecordRef, TraceMember } from '../record/record.ts';
import type { Standing } from '../state/standing.ts';
import type { Admission } from './admit.ts';
import type { ProofTarget } from './proof-gate.ts';

/** A request for a token, as the route has read it. */
export interface Ask {
  readonly peer: Peer;
  readonly proofHeader: readonly string[] | undefined;
  readonly target: ProofTarget;
  readonly request: TokenRequest;
  readonly trace: TraceMember | null;
  /** Told who is asking as soon as that is known. */
  readonly onAdmitted?: (asked: Asked) => void;
}

/** What may leave. */
export interface Released {
  readonly lease: Lease;
  readonly source: 'minted' | 'cache';
  readonly record: RecordRef;
}

/** What a release is made of. */
export interface ReleaseParts {
  readonly admission: Admission;
  readonly registry: () => Registry;
  readonly standing: Standing;
  readonly leases: LeaseManager;
  readonly signer: Signer;
  readonly records: CredentialRecords;
  readonly clock: Clock;
}

/**
 * The path of every token, and the only place that names its order:
 * attest -> proof -> authorize -> lease (reuse | issuer) -> record released.
 *
 * @throws {TallystickError} Every refusal, a {@link Denial} when it is on record.
 */
export async function release(ask: Ask, parts: ReleaseParts): Promise<Released> {
  const { request } = ask;
  const named = request.clientId?.startsWith('spiffe://') ? request.clientId : undefined;
  const admitted = await parts.admission.admit(ask.peer, named, ask.proofHeader, ask.target);
  const { identity } = admitted;
  const registry = parts.registry();
  const asked: Asked = { ...admitted, request, registry, trace: ask.trace };
  ask.onAdmitted?.(asked);

  const decide = () =>
    authorizeToken({
      identity,
      state: identityState(identity, parts.standing.isSuspended(identity.id), parts.clock.nowMs()),
      assurance: admitted.attestation.assurance,
      entitled: registry.entitled(identity),
      resource: request.resource,
      scope: request.scope,
    });
  const decision = decide();
  if (!decision.allow) throw await parts.records.denied(asked, decision);

  const { credential, scope } = decision;
  const { jkt } = admitted.proof;
  const run = credential.attribution === 'run' ? (request.context?.run ?? undefined) : undefined;
  const obtained = await parts.leases.obtain({ identity: identity.id, credential, scope, jkt, run }, ask.peer, (mint) =>
    mintToken(parts.signer, {
      ...mint,
      identity,
      audience: credential.audience,
      scope,
      jkt,
      registryRoot: registry.digest.root,
      run,
    }),
  );
  const record = await parts.records.released(asked, obtained.lease, obtained.source, obtained.replaced);

  // What was taken away while the record became durable must not leave.
  const late = decide();
  if (!late.allow) {
    parts.leases.revoke([obtained.lease]);
    throw await parts.records.denied(asked, late);
  }
  if (obtained.lease.revoked) throw new TallystickError('overloaded', 'the lease was revoked meanwhile', { retryAfterMs: 1000 });
  return { lease: obtained.lease, source: obtained.source, record };
}
