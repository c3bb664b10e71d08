import { hash } from 'node:crypto';
import type { Clock } from '@tallystick/core';
import { authorize, type Decision } from '../authorize/authorize.ts';
import { identityEndMs, identityState } from '../authorize/identity-state.ts';
import { isOwnToken, type Registry } from '../authorize/registry.ts';
import type { CredentialConfig } from '../config/config.ts';
import type { Signer } from '../issuer/signer.ts';
import type { LeaseManager, Maker } from '../lease/lease-manager.ts';
import type { LeaseTable } from '../lease/lease-table.ts';
import type { Lease, LeaseKey } from '../lease/lease.ts';
import type { Asked } from '../record/asked.ts';
import type { CredentialRecords, Undelivered } from '../record/credential-records.ts';
import type { LogHeads } from '../record/heads/log-heads.ts';
import type { RecordRef, TraceMember } from '../record/record.ts';
import type { Standing } from '../state/standing.ts';
import type { Admission, Admittable } from './admit.ts';
import { requireCertificate } from './certificate.ts';
import { tokenMaker } from './mint-token.ts';
import { upstreamMaker, type UpstreamParts } from './mint-upstream.ts';
import type { CredentialAsk } from './request.ts';

/** A request for a credential, as the route has read it. */
export interface Ask<Answer = undefined> extends Admittable {
  readonly request: CredentialAsk;
  readonly trace: TraceMember | null;
  /**
   * Makes the answer while its record becomes durable: signatures and keys cost as much as the disk. Nobody is shown it
   * before. Absent: the route makes it of the record.
   */
  readonly prepare?: (ready: Prepared) => Promise<Answer>;
}

/** What an answer is made of. */
export interface Prepared {
  readonly asked: Asked;
  readonly lease: Lease;
  /** Of the record that is on its way to the disk. */
  readonly recordId: string;
}

/** What may leave. */
export interface Released<Answer> {
  readonly asked: Asked;
  readonly lease: Lease;
  readonly source: 'minted' | 'cache';
  readonly record: RecordRef;
  readonly answer: Answer;
}

/** What a release is made of. */
export interface ReleaseParts extends UpstreamParts {
  readonly admission: Admission;
  readonly registry: () => Registry;
  readonly standing: Standing;
  readonly leases: LeaseManager;
  readonly table: Pick<LeaseTable, 'get'>;
  readonly signer: Signer;
  readonly records: CredentialRecords;
  readonly heads: LogHeads;
  readonly clock: Clock;
}

/**
 * The path of every credential, and the only place that names its order:
 * attest -> proof -> authorize -> lease (reuse | issuer | record intent -> provider) -> record released, and beside it the
 * answer: a token in clear, bound to its key, or a credential sealed to the one who asked.
 *
 * @throws {TallystickError} Every refusal, a {@link Denial} when it is on record.
 */
export async function release<Answer = undefined>(ask: Ask<Answer>, parts: ReleaseParts): Promise<Released<Answer>> {
  const { request, peer } = ask;
  const admitted = await parts.admission.admit(ask);
  if (request.logHead !== undefined) await parts.heads.judge(request.logHead);

  // Once, unless rights are taken away meanwhile: then it is asked and decided anew who this is and what it may have.
  for (let { identity } = admitted; ; identity = await parts.admission.readmit(peer, identity.id)) {
    const asked: Asked = { ...admitted, identity, request, registry: parts.registry(), trace: ask.trace };
    const decision = decide(asked, parts);
    if (!decision.allow) throw await parts.records.denied(asked, decision);

    const certificate = requireCertificate(asked, decision.credential, parts);
    const key = leaseKeyOf(asked, decision, certificate);
    const { jkt } = admitted.proof;
    const notAfterMs = Math.min(identityEndMs(identity), certificate?.expiresAtMs ?? Infinity);
    const obtained = await parts.leases.obtain({ key, jkt, peer, notAfterMs }, makerOf(asked, key, certificate, parts));
    if (!obtained || obtained.lease.revoked) continue;
    const { lease, source, replaced } = obtained;
    const recordId = parts.records.newId();
    const recording = parts.records.released({ asked, lease, source, replaced, recordId });
    const preparing = ask.prepare && afterTurn(ask.prepare, { asked, lease, recordId });
    // Heard below, if the record becomes durable.
    preparing?.catch(() => {});
    const record = await recording;
    const answer = (await preparing?.catch((error: unknown) => {
      parts.records.undelivered(asked, lease, record, 'not_sealed');
      throw error;
    })) as Answer;
    // Last of all: the disk and the seal take their time, and what leaves must be good then.
    const why = withheld(lease, { ...asked, registry: parts.registry() }, parts);
    if (why) {
      parts.records.undelivered(asked, lease, record, why);
      continue;
    }
    return { asked, lease, source, record, answer };
  }
}

/** Says why a lease that was decided upon may not be shown to anybody any more. */
function withheld(lease: Lease, asked: Asked, parts: ReleaseParts): Undelivered | undefined {
  if (lease.revoked || !decide(asked, parts).allow) return 'withdrawn';
  return parts.clock.nowMs() < lease.expiresAtMs ? undefined : 'expired';
}

/** Runs `work` when the record of this turn of the event loop is on its way to the disk. */
async function afterTurn<I, O>(work: (input: I) => Promise<O>, input: I): Promise<O> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  return work(input);
}

function makerOf(asked: Asked, key: LeaseKey, certificate: Lease | undefined, parts: ReleaseParts): Maker {
  const { credential } = key;
  return isOwnToken(credential)
    ? tokenMaker(asked, { ...key, credential }, certificate, parts.signer)
    : upstreamMaker(asked, key, parts);
}

/** A certificate is for one key: another that is asked for is another lease. With anything else a key changes nothing. */
function subjectOf(type: CredentialConfig['type'], applicant: CredentialAsk['applicant']): string | undefined {
  const subject = type === 'x509' ? applicant?.csr : type === 'ssh' ? applicant?.publicKey : undefined;
  return subject === undefined ? undefined : hash('sha256', subject, 'base64url');
}

/**
 * A token belongs to one key, and to one certificate where it is bound to that; what an upstream makes is shared, as far
 * as the credential is attributed.
 */
function leaseKeyOf(
  { identity, proof, request: { context, applicant } }: Asked,
  { credential, scope }: { readonly credential: CredentialConfig; readonly scope: readonly string[] },
  certificate: Lease | undefined,
): LeaseKey {
  const { holders, attribution } = credential;
  return {
    identity: identity.id,
    credential,
    scope,
    jkt: holders === 'own' ? proof.jkt : undefined,
    process: isOwnToken(credential) || attribution === 'identity' ? undefined : context?.id,
    run: attribution === 'run' ? (context?.run ?? undefined) : undefined,
    subject: certificate?.id ?? subjectOf(credential.type, applicant),
  };
}

function decide({ identity, attestation, proof, request, registry }: Asked, parts: ReleaseParts): Decision {
  const { standing, clock } = parts;
  const { name, type = '', resource, scope } = request;
  return authorize({
    identity,
    state: identityState(identity, standing.isSuspended(identity.id), clock.nowMs()),
    keyRevoked: standing.isKeyRevoked(proof.jkt),
    assurance: attestation.assurance,
    entitled: registry.entitled(identity),
    asked: name === undefined ? { resource, scope } : { name, type },
  });
}
