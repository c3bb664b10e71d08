import { TallystickError, type Clock, type CredentialType, type X509Credential } from '@tallystick/core';
import type { HolderKey } from '@tallystick/dpop';
import type { EntitledCredential, UpstreamProof } from '@tallystick/protocol';
import type { AuthorizationServers } from './authorization-servers.ts';
import { CertifiedKeys } from './certified-key.ts';
import { momentOf, type HeldCredential } from './held-credential.ts';
import { holdReply } from './held-reply.ts';
import { holdBoundToken, holdToken } from './held-token.ts';
import { observeAsk, type ClaimedProcess } from './observe.ts';
import type { ReplyOf } from './open-reply.ts';
import { UpstreamProofAsked } from './refused.ts';
import type { CredentialAsk, SidecarClient } from './sidecar-client.ts';
import { makeSshKey } from './ssh-key.ts';
import { makeX509Key } from './x509-key.ts';

/** Asks the sidecar for a credential, in the way that goes with its type. */
export type Ask = (
  entitled: EntitledCredential,
  process: ClaimedProcess | undefined,
  /** What a token is to be bound to, instead of to the key that asks. */
  certificate?: X509Credential,
) => Promise<HeldCredential>;

/** How often one request for a token of another authorization server is answered with a proof: for it, and for its nonce. */
const PROOF_ROUNDS = 2;

/** Returns what asks for one credential, and keeps its keys where it is a certificate. */
export function createAsk(client: SidecarClient, servers: AuthorizationServers, clock: Clock): Ask {
  const keys = new Map<CredentialType, CertifiedKeys>();
  /** The key of the last proof: what the token that came is bound to, where it does not show that. */
  let proofKey: HolderKey | undefined;

  return async (entitled, process, certificate) => {
    const asked = momentOf(clock);
    const { name, audience, scope } = entitled;
    const type = typeOf(entitled);
    const observed = { name, type, socketPath: client.socketPath, clock };
    if (entitled.delivery === 'plain') {
      const { identityId: id, key } = client;
      const boundTo = certificate?.leaseId;
      const token = await observeAsk(observed, (headers) =>
        client.token({ audience, scope, process, headers, certificate: boundTo }),
      );
      return certificate
        ? holdBoundToken(entitled, token, asked, { id, certificate })
        : holdToken(entitled, token, asked, { id, key });
    }
    const certified = keysOf(type);
    const applicant = (await certified?.next())?.applicant;
    const reply = await observeAsk(observed, (headers) => proven({ name, type, process, headers, ...applicant }));
    return holdReply(reply, asked, { certified, keyOf: (jkt) => (jkt === undefined ? proofKey : servers.keyOf(jkt)) });
  };

  async function proven<K extends CredentialType>(ask: CredentialAsk<K>): Promise<ReplyOf<K>> {
    let upstreamProof: UpstreamProof | undefined;
    for (let round = 0; ; round++) {
      try {
        return await client.credential({ ...ask, upstreamProof });
      } catch (error) {
        if (!(error instanceof UpstreamProofAsked)) throw error;
        if (round === PROOF_ROUNDS) throw error.error;
        const { proof, key } = await servers.prove(error.ask);
        upstreamProof = proof;
        proofKey = key;
      }
    }
  }

  function keysOf(type: CredentialType): CertifiedKeys | undefined {
    const make = type === 'x509' ? makeX509Key : type === 'ssh' ? makeSshKey : undefined;
    if (make && !keys.has(type)) keys.set(type, new CertifiedKeys(make));
    return keys.get(type);
  }
}

const TYPES: readonly string[] = [
  'access-token',
  'aws',
  'gcp',
  'azure',
  'database',
  'secret',
  'x509',
  'ssh',
] satisfies CredentialType[];

function typeOf({ name, type }: EntitledCredential): CredentialType {
  if (TYPES.includes(type)) return type as CredentialType;
  throw new TallystickError('protocol_error', `"${name}" is of a type that this version of the SDK does not know`);
}
