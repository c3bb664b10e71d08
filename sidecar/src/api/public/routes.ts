import { ROUTES, serverMetadata } from '@tallystick/protocol';
import { jwkSet } from '../../issuer/jwks.ts';
import type { Signer } from '../../issuer/signer.ts';
import type { PublishedLogs } from '../../record/published-logs.ts';
import type { Answer } from '../answer.ts';
import type { RevocationAnswer } from '../revocations.ts';
import { LOGS } from './log-path.ts';
import { logRoutes } from './log-routes.ts';

/** What the public listener is made of. */
export interface PublicParts {
  readonly signer: Signer;
  readonly revocations: RevocationAnswer;
  readonly logs: PublishedLogs;
}

/** Answers a GET of the public listener, or undefined where there is no such route. Read-only; needs no proof. */
export type PublicRoutes = (
  path: string,
  headers: { readonly 'if-none-match'?: string | undefined },
) => Promise<Answer | undefined>;

/**
 * `GET /.well-known/oauth-authorization-server`, `/jwks` and `/revocations`, for APIs on other hosts; and what witnesses
 * and monitors read of the logs, below `/log/`.
 */
export function publicRoutes({ signer, revocations, logs }: PublicParts): PublicRoutes {
  const metadata = JSON.stringify(serverMetadata(signer.issuer));
  const ofTheLogs = logRoutes(logs);

  return async (path, headers) => {
    switch (path) {
      case ROUTES.metadata:
        return { status: 200, type: 'application/json', body: metadata, headers: { 'cache-control': 'max-age=300' } };
      case ROUTES.jwks: {
        const body = JSON.stringify(jwkSet(signer.keys()));
        return { status: 200, type: 'application/jwk-set+json', body, headers: { 'cache-control': 'max-age=60' } };
      }
      case ROUTES.revocations:
        return revocations(headers['if-none-match']);
      default:
        return path.startsWith(LOGS) ? ofTheLogs(path, headers['if-none-match']) : undefined;
    }
  };
}
