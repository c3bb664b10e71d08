import type { Caller } from './caller.ts';
import { Refusal } from './refusal.ts';
import type { NodeRequest } from './request-facts.ts';
import type { Verifier } from './verifier.ts';

declare global {
  // Where @types/express lets a request be given more.
  namespace Express {
    interface Request {
      /** Who makes the request; set behind `protect`. */
      caller?: Caller;
    }
  }
}

/** What is used of a response of Express. */
export interface ExpressResponse {
  status(code: number): ExpressResponse;
  set(field: Readonly<Record<string, string>>): ExpressResponse;
  send(body: string): unknown;
  json(body: unknown): unknown;
}

/** What is used of a request of Express. */
export interface ExpressRequest extends NodeRequest {
  caller?: Caller;
}

/** A middleware of Express 5. */
export type ExpressMiddleware = (
  request: ExpressRequest,
  response: ExpressResponse,
  next: (error?: unknown) => void,
) => Promise<void>;

/**
 * Returns a middleware that lets only verified requests pass, with the caller as `request.caller`. It answers the
 * others itself, and serves the metadata of the resource (RFC 9728) where it is used at the root.
 */
export function protect(verifier: Verifier): ExpressMiddleware {
  return async (request, response, next) => {
    const metadata = verifier.metadata(request);
    if (metadata) {
      response.json(metadata);
      return;
    }
    try {
      request.caller = await verifier.verify(request);
    } catch (error) {
      refuse(error, response);
      return;
    }
    const nonce = verifier.nonce();
    if (nonce !== undefined) response.set({ 'DPoP-Nonce': nonce });
    next();
  };
}

/** Returns a middleware, to stand behind {@link protect}, that lets only callers with all of `scopes` pass. */
export function requireScope(verifier: Verifier, ...scopes: string[]): ExpressMiddleware {
  return async (request, response, next) => {
    if (!request.caller) throw new TypeError('requireScope must stand behind protect');
    try {
      verifier.requireScope(request.caller, scopes, request);
    } catch (error) {
      refuse(error, response);
      return;
    }
    next();
  };
}

/** A defect is thrown on: Express 5 takes a rejection to its error handlers. */
function refuse(error: unknown, response: ExpressResponse): void {
  if (!Refusal.is(error)) throw error;
  response.status(error.status).set(error.headers).send(error.body);
}
