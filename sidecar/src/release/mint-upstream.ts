import { TallystickError, type Clock } from '@tallystick/core';
import type { CredentialConfig } from '../config/config.ts';
import type { Maker, Minted } from '../lease/lease-manager.ts';
import type { Lease, LeaseKey } from '../lease/lease.ts';
import type { UpstreamKeeping } from '../lease/upstream-keeping.ts';
import { NotSent } from '../providers/not-sent.ts';
import type { Made, MintOrder, Provider } from '../providers/provider.ts';
import { UpstreamProofRequired } from '../providers/upstream-proof-required.ts';
import type { Upstreams } from '../providers/upstreams.ts';
import type { Asked } from '../record/asked.ts';
import type { CredentialRecords } from '../record/credential-records.ts';
import type { Challenged, UpstreamChallenges } from './upstream-challenge.ts';

/** What a credential of an upstream is made with. */
export interface UpstreamParts {
  readonly upstreams: Upstreams;
  readonly keeping: UpstreamKeeping;
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
  const { upstreams, keeping, records, clock } = parts;
  return {
    async mint({ leaseId, issuedAt, expiresAt }): Promise<Minted> {
      const provider = await upstreams.get(credential.provider);
      return upstreams.within(async (signal) => {
        const expiresAtMs = expiresAt * 1000;
        const { id: identity } = asked.identity;
        const kept = keeping.begin({ leaseId, identity, provider: credential.provider, untilMs: expiresAtMs });
        const bare: MintOrder = {
          leaseId,
          name: credential.name,
          wanted: credential.wanted,
          scope: key.scope,
          lifetimeMs: expiresAtMs - issuedAt * 1000,
          identity: asked.identity,
          process: processOf(asked, key),
          applicant: { ...asked.request.applicant, jkt: asked.proof.jkt },
          keep: kept.keep,
          signal,
        };
        const order = await completed(bare, provider, asked, parts.challenges);
        const intent = await records.intent(asked, credential, leaseId);
        kept.intended(intent.id);
        try {
          const made = await provider.mint(order).catch(async (error: unknown) => {
            const isMade = !(error instanceof NotSent) || kept.isKept ? undefined : false;
            await records.outcome(asked, leaseId, intent, { provider: credential.provider, error, isMade });
            throw error instanceof UpstreamProofRequired ? parts.challenges.ask(error, challengedBy(order)) : error;
          });
          await Promise.all([
            kept.made(made),
            records.outcome(asked, leaseId, intent, { provider: credential.provider, made }),
          ]);
          return mintedOf(made, provider, credential, intent.id, clock.nowMs());
        } catch (error) {
          kept.failed();
          throw error;
        }
      });
    },

    async renew(lease: Lease): Promise<number> {
      const { upstream } = lease;
      const { handle, provider } = upstream!;
      return upstreams.within(async (signal) => {
        const { wanted, lifetimeMs } = credential;
        const renewed = await renewerOf(provider)(handle!, { leaseId: lease.id, wanted, lifetimeMs, signal });
        upstream!.renewableUntilMs = renewed.renewableUntilMs;
        upstream!.untilMs = renewed.expiresAtMs;
        await keeping.extended(lease, renewed);
        await records.renewed(asked, lease, renewed.expiresAtMs);
        return renewed.expiresAtMs;
      });
    },
  };
}

function mintedOf(
  { material, binding, handles, handle, expiresAtMs, renewableUntilMs }: Made,
  provider: Provider,
  credential: CredentialConfig,
  intent: string,
  nowMs: number,
): Minted {
  // Leases end at whole seconds, and never later than what was made.
  if (Math.floor(expiresAtMs / 1000) * 1000 <= nowMs) {
    throw new TallystickError('upstream_answer_invalid', `"${credential.provider}" gave what has already expired`);
  }
  const keptUntilMs = Math.max(expiresAtMs, renewableUntilMs ?? 0);
  const upstream = { provider, handle, renewableUntilMs, untilMs: expiresAtMs, keptUntilMs, intent };
  return { material, binding: binding ?? credential.binding, handles, expiresAtMs, upstream };
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
