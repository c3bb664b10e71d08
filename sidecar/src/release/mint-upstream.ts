import { TallystickError, type Clock } from '@tallystick/core';
import type { Maker, Minted } from '../lease/lease-manager.ts';
import type { Lease, LeaseKey } from '../lease/lease.ts';
import type { MintOrder, Provider } from '../providers/provider.ts';
import { UpstreamProofRequired } from '../providers/upstream-proof-required.ts';
import type { Upstreams } from '../providers/upstreams.ts';
import type { Asked, CredentialRecords } from '../record/credential-records.ts';
import type { UpstreamLeases } from '../state/upstream-leases.ts';
import type { Challenged, UpstreamChallenges } from './upstream-challenge.ts';

/** What a credential of an upstream is made with. */
export interface UpstreamParts {
  readonly upstreams: Upstreams;
  /** What ends upstream what was made, over a restart. */
  readonly upstreamLeases: UpstreamLeases;
  readonly records: CredentialRecords;
  readonly challenges: UpstreamChallenges;
  readonly clock: Clock;
}

/**
 * Returns what makes a credential of an upstream, and extends it: record intent -> provider -> record outcome. Nothing is
 * made before the intent is durable, and its outcome is on record whatever comes of it.
 */
export function upstreamMaker(asked: Asked, key: LeaseKey, parts: UpstreamParts): Maker {
  const { credential } = key;
  const { upstreams, upstreamLeases, records, clock } = parts;
  return {
    async mint({ leaseId, issuedAt, expiresAt }): Promise<Minted> {
      const provider = await upstreams.get(credential.provider);
      return upstreams.within(async (signal) => {
        const expiresAtMs = expiresAt * 1000;
        const bare: MintOrder = {
          leaseId,
          name: credential.name,
          wanted: credential.wanted,
          scope: key.scope,
          lifetimeMs: expiresAtMs - issuedAt * 1000,
          identity: asked.identity,
          process: processOf(asked, key),
          applicant: { ...asked.request.applicant, jkt: asked.proof.jkt },
          keep: (handle) =>
            upstreamLeases.keep({ leaseId, provider: credential.provider, handle, untilMs: expiresAtMs }),
          signal,
        };
        const order = await completed(bare, provider, asked, parts.challenges);
        const intent = await records.intent(asked, credential, leaseId);
        const made = await provider.mint(order).catch(async (error: unknown) => {
          await records.outcome(asked, leaseId, intent, { provider: credential.provider, error });
          throw error instanceof UpstreamProofRequired ? parts.challenges.ask(error, challengedBy(order)) : error;
        });
        const { handle, renewableUntilMs } = made;
        await records.outcome(asked, leaseId, intent, { provider: credential.provider, made });
        if (made.expiresAtMs <= clock.nowMs()) {
          throw new TallystickError(
            'upstream_answer_invalid',
            `"${credential.provider}" gave what has already expired`,
          );
        }
        return {
          material: made.material,
          binding: made.binding ?? credential.binding,
          handles: made.handles,
          expiresAtMs: made.expiresAtMs,
          upstream: { provider, handle, renewableUntilMs, intent: intent.id },
        };
      });
    },

    async renew(lease: Lease): Promise<number> {
      const { upstream } = lease;
      const { handle, provider } = upstream!;
      return upstreams.within(async (signal) => {
        const { wanted, lifetimeMs } = credential;
        const renewed = await renewerOf(provider)(handle!, { leaseId: lease.id, wanted, lifetimeMs, signal });
        upstream!.renewableUntilMs = renewed.renewableUntilMs;
        await records.renewed(asked, lease, renewed.expiresAtMs);
        return renewed.expiresAtMs;
      });
    },
  };
}

/**
 * Returns an order with what only its applicant can add.
 *
 * @throws {TallystickError} `csr_refused`, `upstream_proof_required`, `invalid_proof`, `proof_replayed`, `upstream_*`
 */
async function completed(
  order: MintOrder,
  provider: Provider,
  { request: { upstreamProof } }: Asked,
  challenges: UpstreamChallenges,
): Promise<MintOrder> {
  try {
    await provider.requireApplicant?.(order);
    return order;
  } catch (error) {
    if (!(error instanceof UpstreamProofRequired)) throw error;
    const challenged = challengedBy(order);
    if (!upstreamProof) throw challenges.ask(error, challenged);
    const proof = await challenges.judge(upstreamProof, error, challenged);
    return { ...order, applicant: { ...order.applicant, upstreamProof: proof } };
  }
}

function challengedBy({ identity, name, applicant }: MintOrder): Challenged {
  return { identity: identity.id, credential: name, jkt: applicant.jkt };
}

function renewerOf(provider: Provider): NonNullable<Provider['renew']> {
  if (!provider.renew) throw new TypeError('the provider said that it can extend, and cannot');
  return provider.renew.bind(provider);
}

function processOf({ request: { context } }: Asked, { process, run }: LeaseKey): MintOrder['process'] {
  if (process === undefined || !context) return undefined;
  return { id: context.id, run };
}
