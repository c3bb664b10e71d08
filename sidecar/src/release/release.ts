import type { Clock } from '@tallystick/core';
import type { TokenRequest } from '@tallystick/protocol';
import { authorizeToken, type Decision } from '../authorize/authorize.ts';
import { identityEndMs, identityState } from '../authorize/identity-state.ts';
import type { Registry } from '../authorize/registry.ts';
import type { Signer } from '../issuer/signer.ts';
import { mintToken } from '../issuer/token.ts';
import type { LeaseManager } from '../lease/lease-manager.ts';
import type { Lease } from '../lease/lease.ts';
import type { Asked, CredentialRecords } from '../record/credential-records.ts';
import type { LogHeads } from '../record/heads/log-heads.ts';
import type { RecordRef, TraceMember } from '../record/record.ts';
import type { Standing } from '../state/standing.ts';
import type { Admission, Admittable } from './admit.ts';

/** A request for a token, as the route has read it. */
export interface Ask extends Omit<Admittable, 'named'> {
  readonly request: TokenRequest;
  readonly trace: TraceMember | null;
}

/** What may leave. */
export interface Released {
  readonly asked: Asked;
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
  readonly heads: LogHeads;
  readonly clock: Clock;
}

/**
 * The path of every token, and the only place that names its order:
 * attest -> proof -> authorize -> lease (reuse | issuer) -> record released.
 *
 * @throws {TallystickError} Every refusal, a {@link Denial} when it is on record.
 */
export async function release(ask: Ask, parts: ReleaseParts): Promise<Released> {
  const { request, peer } = ask;
  const named = request.clientId?.startsWith('spiffe://') ? request.clientId : undefined;
  const admitted = await parts.admission.admit({ ...ask, named });
  if (request.logHead !== undefined) await parts.heads.judge(request.logHead);

  // Once, unless rights are taken away meanwhile: then it is asked and decided anew who this is and what it may have.
  for (let { identity } = admitted; ; identity = await parts.admission.readmit(peer, identity.id)) {
    const registry = parts.registry();
    const asked: Asked = { ...admitted, identity, request, registry, trace: ask.trace };
    const decision = decide(asked, parts);
    if (!decision.allow) throw await parts.records.denied(asked, decision);

    const { credential, scope } = decision;
    const { jkt } = admitted.proof;
    const run = credential.attribution === 'run' ? (request.context?.run ?? undefined) : undefined;
    const obtained = await parts.leases.obtain(
      { key: { identity: identity.id, credential, scope, jkt, run }, peer, notAfterMs: identityEndMs(identity) },
      (mint) =>
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
    if (!obtained || obtained.lease.revoked) continue;
    const { lease, source, replaced } = obtained;
    const record = await parts.records.released(asked, lease, source, replaced);
    if (!lease.revoked && decide({ ...asked, registry: parts.registry() }, parts).allow) {
      return { asked, lease, source, record };
    }
    parts.records.undelivered(asked, lease, record, 'withdrawn');
  }
}

function decide({ identity, attestation, proof, request, registry }: Asked, parts: ReleaseParts): Decision {
  const { standing, clock } = parts;
  return authorizeToken({
    identity,
    state: identityState(identity, standing.isSuspended(identity.id), clock.nowMs()),
    keyRevoked: standing.isKeyRevoked(proof.jkt),
    assurance: attestation.assurance,
    entitled: registry.entitled(identity),
    resource: request.resource,
    scope: request.scope,
  });
}
