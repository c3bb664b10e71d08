import type { AddressInfo } from 'node:net';
import { fastify, type FastifyRequest } from 'fastify';
import { expect, test } from 'vitest';
import { protect, requireScope } from '../src/fastify.ts';
import { adapterSuite } from './adapter-suite.ts';
import { openApi, proofOf } from './api.ts';

adapterSuite('Fastify 5', async (verifier) => {
  let handled = 0;
  const answer = (request: FastifyRequest): object => {
    handled++;
    return { identity: request.caller.identity, owner: request.caller.owner?.id };
  };
  const app = fastify();
  await app.register(protect, { verifier });
  app.get('/v1/entries', answer);
  app.post('/v1/entries', { preHandler: requireScope(verifier, 'journal.write') }, answer);
  app.post('/v1/close', { preHandler: requireScope(verifier, 'journal.close') }, answer);
  await app.register(async (nested) => nested.get('/entries', answer), { prefix: '/v1/nested' });
  await app.listen({ host: '127.0.0.1', port: 0 });
  return { port: (app.server.address() as AddressInfo).port, handled: () => handled, close: () => app.close() };
});

test('Fastify 5: what is registered beside the protected scope stays open, and "inject" works', async () => {
  const { verifier, key, token } = await openApi();
  const app = fastify();
  app.get('/health', () => 'ok');
  await app.register(async (api) => {
    await api.register(protect, { verifier });
    api.get('/v1/entries', (request) => request.caller.identity);
  });
  expect((await app.inject('/health')).statusCode).toBe(200);
  expect((await app.inject('/v1/entries')).statusCode).toBe(401);
  const headers = { authorization: `DPoP ${token}`, dpop: proofOf(key, token) };
  expect((await app.inject({ url: '/v1/entries', headers })).statusCode).toBe(200);
  await app.close();
});
