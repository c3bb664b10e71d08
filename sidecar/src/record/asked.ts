import type { IdentityObject } from '@tallystick/core';
import type { Attestation } from '../attest/attestor.ts';
import type { Registry } from '../authorize/registry.ts';
import type { CredentialConfig } from '../config/config.ts';
import type { CheckedProof } from '../release/proof-gate.ts';
import type { CredentialAsk } from '../release/request.ts';
import type { CredentialBody, ProcessMember, RecordInput, TraceMember } from './record.ts';
import { requestHash } from './request-hash.ts';
import { shown } from './shown.ts';

/** Who asked for what, as far as it is known before the decision. */
export interface Asked {
  readonly identity: IdentityObject;
  readonly attestation: Attestation;
  readonly proof: CheckedProof;
  readonly request: CredentialAsk;
  readonly registry: Registry;
  readonly trace: TraceMember | null;
}

/** Returns the members of a record that say who acts, and for what. */
export function envelopeOf(asked: Asked): Pick<RecordInput, 'actor' | 'owner' | 'process' | 'registry' | 'trace'> {
  const { identity, registry } = asked;
  return {
    actor: identity.id,
    owner: identity.owner,
    process: processMember(identity, asked.request),
    registry: { entry: registry.digest.entries.get(identity.id) ?? null, root: registry.digest.root },
    trace: asked.trace,
  };
}

/** Returns the body of a record of a request, with nothing given. */
export function bodyOf(asked: Asked, node: string, credential: CredentialConfig | null): CredentialBody {
  const { identity, attestation, proof, request } = asked;
  const name = credential?.name ?? null;
  return {
    assurance: attestation.assurance,
    binding: null,
    entitlement: name,
    fp: null,
    from: { node, pid: attestation.peer.pid, podUid: null, uid: attestation.peer.uid },
    granted: null,
    handles: null,
    jkt: proof.jkt,
    name,
    notAfter: null,
    proof: { iat: proof.iat, jti: shown(proof.jti), sha256: proof.sha256 },
    provider: credential?.provider ?? null,
    requestHash: requestHash({
      identity: identity.id,
      credential: name,
      resource: request.resource ?? null,
      scopes: request.scope ?? [],
      process: request.context ?? null,
      jkt: proof.jkt,
      certificate: request.certificate,
    }),
    requested: {
      clientId: request.clientId === undefined ? null : shown(request.clientId),
      resource: request.resource === undefined ? null : shown(request.resource),
      scope: request.scope?.slice(0, MAX_SCOPE_VALUES).map((value) => shown(value.slice(0, MAX_SCOPE_LENGTH))) ?? null,
    },
    selectors: attestation.selectors,
    source: null,
  };
}

/** What a record shows of a requested scope; `requestHash` is over all of it. */
const MAX_SCOPE_VALUES = 256;
const MAX_SCOPE_LENGTH = 256;

function processMember(identity: IdentityObject, { context }: CredentialAsk): ProcessMember {
  return {
    claimed: context
      ? {
          id: shown(context.id),
          run: context.run === null ? null : shown(context.run),
          ticket: context.ticket === null ? null : shown(context.ticket),
        }
      : null,
    match: context ? identity.businessProcesses.includes(context.id) : null,
    registered: identity.businessProcesses,
  };
}
