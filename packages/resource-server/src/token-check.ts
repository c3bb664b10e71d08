import { JWT_TYPE, type Clock, type RevocableToken } from '@tallystick/core';
import { LRUCache } from 'lru-cache';
import { readAccessToken, type AccessToken } from './access-token.ts';
import type { PresentedToken } from './credentials.ts';
import { Fault } from './fault.ts';
import type { Issuer } from './issuer.ts';
import type { IssuerKey } from './key-set.ts';
import { checkSignature, openEnvelope } from './signed-jwt.ts';
import { maySpeakFor } from './subject.ts';

/** Checks access tokens. */
export interface TokenCheck {
  /**
   * Returns a token whose signature is good, and nothing more: what it says may be told of. One seen before costs no
   * signature while its key is trusted.
   *
   * @throws {Fault} Any of the `token_*` reasons, or `keys_unavailable`.
   */
  open(presented: PresentedToken): VouchedToken | Promise<VouchedToken>;
  /**
   * Judges whether a token is good here and now: times, revocation list and introspection are looked at each time.
   * Returns a promise only where something has to be asked.
   *
   * @param text The token itself.
   * @throws {Fault} Any of the `token_*` reasons, or one of the `*_unavailable` ones.
   */
  judge(vouched: VouchedToken, text: string): undefined | Promise<void>;
}

/** The inputs of {@link createTokenCheck}. */
export interface TokenCheckOptions {
  /** By `iss`. */
  readonly issuers: ReadonlyMap<string, Issuer>;
  readonly audiences: readonly string[];
  readonly clock: Pick<Clock, 'nowMs'>;
  /** By how many seconds the clock of an issuer may be ahead of ours. */
  readonly futureSeconds: number;
  readonly maxCachedTokens: number;
}

/** A token whose signature has been checked, and by which key. */
export interface VouchedToken {
  readonly token: AccessToken;
  /** Why it is never good here. */
  readonly unfit: Fault | undefined;
  readonly issuer: Issuer;
  readonly key: IssuerKey;
  /** What revocation lists go by. */
  readonly revocable: RevocableToken;
}

/** Returns the check of access tokens (RFC 9068 §4), with a cache by the SHA-256 of the token. */
export function createTokenCheck(options: TokenCheckOptions): TokenCheck {
  const { issuers, audiences, clock, futureSeconds, maxCachedTokens } = options;
  const seen = new LRUCache<string, VouchedToken>({ max: maxCachedTokens });

  async function vouch(text: string): Promise<VouchedToken> {
    const envelope = openEnvelope(text);
    if (envelope.typ !== JWT_TYPE.accessToken && envelope.typ !== `application/${JWT_TYPE.accessToken}`) {
      throw new Fault('token_typ', '"typ" of the token is not "at+jwt"');
    }
    const { iss } = envelope.claims;
    const issuer = typeof iss === 'string' ? issuers.get(iss) : undefined;
    if (!issuer) throw new Fault('token_issuer', 'the issuer of the token is not trusted here');
    if (!issuer.settings.algorithms.includes(envelope.alg)) {
      throw new Fault('token_alg', '"alg" of the token is not one that its issuer uses');
    }
    const key = await checkSignature(envelope, issuer.keys);
    const token = readAccessToken(envelope.claims);
    const { identity: sub, tokenId: jti, jkt = token.holder } = token.caller;
    const revocable = { jti, jkt, certificate: token.certificate, sub, iat: token.issuedAt };
    return { token, unfit: unfit(token, issuer), issuer, key, revocable };
  }

  function unfit({ audiences: named, caller }: AccessToken, { settings }: Issuer): Fault | undefined {
    if (!named.some((audience) => audiences.includes(audience))) {
      return new Fault('token_audience', 'the token is for another audience');
    }
    if (maySpeakFor(settings.subjects, caller.identity)) return undefined;
    return new Fault('token_subject', 'the issuer of the token may not speak for its subject');
  }

  function judgeTimes({ expiresAt, notBefore, issuedAt }: AccessToken): void {
    const now = clock.nowMs() / 1000;
    if (!(now < expiresAt)) throw new Fault('token_expired', 'the token has expired');
    if (Math.max(notBefore ?? issuedAt, issuedAt) > now + futureSeconds) {
      throw new Fault('token_not_yet_valid', 'the token is not valid yet');
    }
  }

  return {
    open({ text, hash }) {
      const held = seen.get(hash);
      if (held?.issuer.keys.trusts(held.key)) return held;
      return vouch(text).then((vouched) => {
        if (!vouched.unfit) seen.set(hash, vouched);
        return vouched;
      });
    },
    judge({ token, unfit: fault, issuer, revocable }, text) {
      if (fault) throw fault;
      judgeTimes(token);
      const listed = issuer.revocations?.check(revocable);
      if (!listed && !issuer.introspector) return undefined;
      return Promise.resolve(listed).then(() => issuer.introspector?.check(token, text));
    },
  };
}
