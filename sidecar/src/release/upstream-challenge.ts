import { createHmac, timingSafeEqual } from 'node:crypto';
import { TallystickError, type Clock, type Random } from '@tallystick/core';
import { createMemoryReplayStore, judgeProof, normalizeHtu, ProofError, readProof } from '@tallystick/dpop';
import type { UpstreamProof, UpstreamProofAsk } from '@tallystick/protocol';
import type { UpstreamProofRequired } from '../providers/upstream-proof-required.ts';

/** The refusal that asks a workload for a proof by its key for an authorization server. */
export class UpstreamProofAsked extends TallystickError {
  readonly ask: UpstreamProofAsk;

  constructor({ code, description }: UpstreamProofRequired, ask: UpstreamProofAsk) {
    super(code, description);
    this.ask = ask;
  }
}

/** Who is asked for a proof, and for what: an answer to it is good for nobody and nothing else. */
export interface Challenged {
  /** SPIFFE ID. */
  readonly identity: string;
  /** Name of the credential. */
  readonly credential: string;
  /** Thumbprint of the key that it asks the sidecar with. */
  readonly jkt: string;
}

/**
 * Asks workloads for proofs that go to an authorization server, and judges those that come. It keeps nothing of what it
 * asked: the challenge, which has to come back, says by its MAC what that was.
 */
export interface UpstreamChallenges {
  /** Returns the refusal that asks for a proof. */
  ask(required: UpstreamProofRequired, challenged: Challenged): UpstreamProofAsked;
  /**
   * Returns the proof that answers an ask, which is good once.
   *
   * @throws {UpstreamProofAsked} Its challenge is older than 30 s, or was for another workload, credential, key, server
   * or nonce: a new one is asked for.
   * @throws {ProofError} `invalid_proof`, `proof_replayed`
   */
  judge(given: UpstreamProof, required: UpstreamProofRequired, challenged: Challenged): Promise<string>;
}

/** How long a challenge may be answered. */
export const CHALLENGE_MS = 30_000;
// The workload's clock is this host's, or that of a pod on it.
const PAST_SECONDS = 60;
const FUTURE_SECONDS = 10;
/** A proof is remembered for longer than its `iat` lets it in. */
const REMEMBERED_MS = (PAST_SECONDS + FUTURE_SECONDS + 5) * 1000;

export function createUpstreamChallenges(options: { clock: Clock; random: Random }): UpstreamChallenges {
  const { clock, random } = options;
  const secret = Buffer.from(random.bytes(32));
  const seen = createMemoryReplayStore({ clock, random });

  const macOf = ({ identity, credential, jkt }: Challenged, htu: string, nonce: string | undefined, dueMs: number) =>
    createHmac('sha256', secret)
      .update(JSON.stringify([identity, credential, jkt, normalizeHtu(htu), nonce ?? null, dueMs]))
      .digest();

  const ask: UpstreamChallenges['ask'] = (required, challenged) => {
    const { htu, nonce } = required;
    // By the clock that is never set back. It means nothing after a restart, and neither does the secret.
    const dueMs = Math.ceil(clock.monotonicMs() + CHALLENGE_MS);
    const mac = macOf(challenged, htu, nonce, dueMs).toString('base64url');
    return new UpstreamProofAsked(required, { htm: 'POST', htu, nonce, challenge: `${dueMs}.${mac}` });
  };

  const isOurs = (challenge: string, challenged: Challenged, htu: string, nonce: string | undefined): boolean => {
    const [, due, mac] = /^(\d{1,15})\.([\w-]{43})$/.exec(challenge) ?? [];
    if (due === undefined || Number(due) <= clock.monotonicMs()) return false;
    return timingSafeEqual(Buffer.from(mac!, 'base64url'), macOf(challenged, htu, nonce, Number(due)));
  };

  return {
    ask,
    async judge({ challenge, proof }, required, challenged) {
      const read = readProof(proof);
      judgeProof(read, {
        method: 'POST',
        url: required.htu,
        iat: { now: clock.nowMs() / 1000, pastSeconds: PAST_SECONDS, futureSeconds: FUTURE_SECONDS },
      });
      if (read.ath !== undefined) throw new ProofError('ath', 'a proof for a token endpoint has no "ath"');
      if (read.jkt === challenged.jkt) {
        throw new ProofError('key', 'a key for an authorization server is not the one that asks the sidecar');
      }
      if (!isOurs(challenge, challenged, read.htu, read.nonce)) throw ask(required, challenged);
      if (!(await seen.reserve(`${read.jkt} ${read.jti}`, REMEMBERED_MS))) {
        throw new ProofError('replayed', 'the proof for the authorization server was used before');
      }
      return proof;
    },
  };
}
