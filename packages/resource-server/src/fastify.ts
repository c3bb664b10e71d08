import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from './caller.ts';
import { Refusal } from './refusal.ts';
import type { Verifier } from './verifier.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who makes the request; set where `protect` is registered. */
    caller: Caller;
  }
}

/**
 * The plugin of Fastify 5 that lets only verified requests pass, with the caller as `request.caller`. It holds for the
 * instance it is registered in, answers other requests itself, and serves the metadata of the resource (RFC 9728)
 * where it is registered at the root.
 */
export async function protect(instance: FastifyInstance, { verifier }: { readonly verifier: Verifier }): Promise<void> {
  instance.decorateRequest('caller', null as unknown as Caller);
  instance.addHook('onRequest', async (request, reply) => {
    const metadata = verifier.metadata(request.raw);
    if (metadata) return reply.send(metadata);
    try {
      request.caller = await verifier.verify(request.raw);
    } catch (error) {
      return refuse(error, reply);
    }
    const nonce = verifier.nonce();
    if (nonce !== undefined) reply.header('DPoP-Nonce', nonce);
  });
}

// What fastify-plugin does: the hook is for the instance that registers the plugin, not for one below it.
Object.assign(protect, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@tallystick/resource-server',
});

/** Returns a hook, such as `preHandler`, that lets only callers with all of `scopes` pass. */
export function requireScope(
  verifier: Verifier,
  ...scopes: string[]
): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  return async (request, reply) => {
    try {
      verifier.requireScope(request.caller, scopes, request.raw);
    } catch (error) {
      return refuse(error, reply);
    }
  };
}

function refuse(error: unknown, reply: FastifyReply): FastifyReply {
  if (!Refusal.is(error)) throw error;
  return reply.code(error.status).headers(error.headers).send(error.body);
}
