import { ROUTES, serverMetadata } from '@tallystick/protocol';
import { json } from '../answer.ts';
import type { WorkloadRoute } from './route.ts';

/** `GET /.well-known/oauth-authorization-server` (RFC 8414). Needs no proof. */
export function metadataRoute(issuer: string): WorkloadRoute {
  const answer = json(serverMetadata(issuer));
  return { method: 'GET', path: ROUTES.metadata, handle: () => answer };
}
