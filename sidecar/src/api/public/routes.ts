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
  let list: { readonly of: string; readonly renewAt: number; readonly jwt: Promise<string> } | undefined;

  const revocationList = (): Promise<string> => {
    const now = Math.floor(clock.nowMs() / 1000);
    const of = `${standing.version} ${signer.currentKid()}`;
    if (!list || list.of !== of || now >= list.renewAt) {
      const jwt = mintRevocationList(signer, standing.revocations(), now);
      list = { of, renewAt: now + LIST_LIFETIME_SECONDS / 2, jwt };
      jwt.catch(() => (list = undefined));
    }
    return list.jwt;
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
        const body = await revocationList();
        const etag = `"${hash('sha256', body, 'base64url')}"`;
        const shared = { etag, 'cache-control': 'no-cache' };
        if (headers['if-none-match'] === etag) return { status: 304, type: '', body: '', headers: shared };
        return { status: 200, type: 'application/jwt', body, headers: shared };
      }
      default:
        return undefined;
    }
  };
}
