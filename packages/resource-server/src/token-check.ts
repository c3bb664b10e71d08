import { JWT_TYPE, type Clock } from '@tallystick/core';
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
   * Returns the token, when it is good here and now. A token seen before costs no signature, but its times, its key,
   * the revocation list and introspection are looked at each time.
   *
   * @throws {Fault} Any of the `token_*` reasons, or one of the `*_unavailable` ones.
   */
  check(presented: PresentedToken): AccessToken | Promise<AccessToken>;
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
interface VouchedToken {
  readonly token: AccessToken;
  readonly issuer: Issuer;
  readonly key: IssuerKey;
  /** What revocation lists go by. */
  readonly revocable: {
    readonly jti: string;
    readonly jkt: string | undefined;
    readonly sub: string;
    readonly iat: number;
  };
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
    if (!token.audiences.some((audience) => audiences.includes(audience))) {
      throw new Fault('token_audience', 'the token is for another audience');
    }
    const { identity: sub, tokenId: jti, jkt } = token.caller;
    if (!maySpeakFor(issuer.settings.subjects, sub)) {
      throw new Fault('token_subject', 'the issuer of the token may not speak for its subject');
    }
    return { token, issuer, key, revocable: { jti, jkt, sub, iat: token.issuedAt } };
  }

  function judgeTimes({ expiresAt, notBefore, issuedAt }: AccessToken): void {
    const now = clock.nowMs() / 1000;
    if (!(now < expiresAt)) throw new Fault('token_expired', 'the token has expired');
    if (Math.max(notBefore ?? issuedAt, issuedAt) > now + futureSeconds) {
      throw new Fault('token_not_yet_valid', 'the token is not valid yet');
    }
  }

  /** What may have changed since the signature was checked. */
  function judge({ token, issuer, revocable }: VouchedToken, text: string): AccessToken | Promise<AccessToken> {
    judgeTimes(token);
    const listed = issuer.revocations?.check(revocable);
    if (!listed && !issuer.introspector) return token;
    return Promise.resolve(listed)
      .then(() => issuer.introspector?.check(token, text))
      .then(() => token);
  }

  return {
    check({ text, hash }) {
      const held = seen.get(hash);
      if (held?.issuer.keys.trusts(held.key)) return judge(held, text);
      return vouch(text).then((vouched) => {
        seen.set(hash, vouched);
        return judge(vouched, text);
      });
    },
  };
}
