import { hash } from 'node:crypto';
import type { Clock } from '@tallystick/core';
import { ROUTES, serverMetadata } from '@tallystick/protocol';
import { jwkSet } from '../../issuer/jwks.ts';
import { LIST_LIFETIME_SECONDS, mintRevocationList } from '../../issuer/revocation-list.ts';
import type { Signer } from '../../issuer/signer.ts';
import type { Standing } from '../../state/standing.ts';
import type { Answer } from '../answer.ts';

/** What the public listener is made of. */
export interface PublicParts {
  readonly signer: Signer;
  readonly standing: Standing;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** A revocation list, and the ETag over its bytes. */
interface SignedList {
  readonly jwt: string;
  readonly etag: string;
}

/** Answers a GET of the public listener, or undefined where there is no such route. Read-only; needs no proof. */
export type PublicRoutes = (
  path: string,
  headers: { readonly 'if-none-match'?: string | undefined },
) => Promise<Answer | undefined>;

/**
 * `GET /.well-known/oauth-authorization-server`, `/jwks` and `/revocations`, for APIs on other hosts. The revocation
 * list is signed again when it changed, when the key did, and after half of its life.
 */
export function publicRoutes({ signer, standing, clock }: PublicParts): PublicRoutes {
  const metadata = JSON.stringify(serverMetadata(signer.issuer));
  let list: { readonly of: string; readonly renewAt: number; readonly signed: Promise<SignedList> } | undefined;

  const revocationList = (): Promise<SignedList> => {
    const now = Math.floor(clock.nowMs() / 1000);
    const of = `${standing.version} ${signer.currentKid()}`;
    // A list from further ahead than half of its life was signed by a clock that has been set back since.
    if (!list || list.of !== of || now >= list.renewAt || now < list.renewAt - LIST_LIFETIME_SECONDS) {
      const signed = mintRevocationList(signer, standing.revocations(), now).then((jwt) => ({
        jwt,
        etag: `"${hash('sha256', jwt, 'base64url')}"`,
      }));
      list = { of, renewAt: now + LIST_LIFETIME_SECONDS / 2, signed };
      signed.catch(() => (list = undefined));
    }
    return list.signed;
  };

  return async (path, headers) => {
    switch (path) {
      case ROUTES.metadata:
        return { status: 200, type: 'application/json', body: metadata, headers: { 'cache-control': 'max-age=300' } };
      case ROUTES.jwks: {
        const body = JSON.stringify(jwkSet(signer.keys()));
        return { status: 200, type: 'application/jwk-set+json', body, headers: { 'cache-control': 'max-age=60' } };
      }
      case ROUTES.revocations: {
        const { jwt, etag } = await revocationList();
        const shared = { etag, 'cache-control': 'no-cache' };
        if (matches(headers['if-none-match'], etag)) return { status: 304, type: '', body: '', headers: shared };
        return { status: 200, type: 'application/jwt', body: jwt, headers: shared };
      }
      default:
        return undefined;
    }
  };
}

/** True when `If-None-Match` names `etag`, by weak comparison: caches on the way may have weakened it (RFC 9110 §13.1.2). */
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  return ifNoneMatch?.split(',').some((given) => /^(?:W\/)?(.*)$/.exec(given.trim())![1] === etag) ?? false;
}
