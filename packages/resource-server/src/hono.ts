import type { Caller } from './caller.ts';
import { Refusal } from './refusal.ts';
import type { Verifier } from './verifier.ts';

/** The variables that {@link protect} sets: `new Hono<{ Variables: CallerVariables }>()`. */
export interface CallerVariables {
  /** Who makes the request. */
  caller: Caller;
}

/** What is used of a context of Hono. */
export interface HonoContext {
  readonly req: { readonly raw: Request };
  set(key: 'caller', value: Caller): void;
  get(key: 'caller'): Caller;
  header(name: string, value: string): void;
}

/** A middleware of Hono 4. */
export type HonoMiddleware = (context: HonoContext, next: () => Promise<void>) => Promise<Response | void>;

/**
 * Returns a middleware that lets only verified requests pass, with the caller as `c.get('caller')`. It answers the
 * others itself, and serves the metadata of the resource (RFC 9728) where it is used for every path.
 */
export function protect(verifier: Verifier): HonoMiddleware {
  return async (context, next) => {
    const metadata = verifier.metadata(context.req.raw);
    if (metadata) return Response.json(metadata);
    try {
      context.set('caller', await verifier.verify(context.req.raw));
    } catch (error) {
      return answer(error);
    }
    await next();
    const nonce = verifier.nonce();
    if (nonce !== undefined) context.header('DPoP-Nonce', nonce);
  };
}

/** Returns a middleware, to stand behind {@link protect}, that lets only callers with all of `scopes` pass. */
export function requireScope(verifier: Verifier, ...scopes: string[]): HonoMiddleware {
  return async (context, next) => {
    try {
      verifier.requireScope(context.get('caller'), scopes, context.req.raw);
    } catch (error) {
      return answer(error);
    }
    await next();
  };
}

function answer(error: unknown): Response {
  if (Refusal.is(error)) return error.toResponse();
  throw error;
}
