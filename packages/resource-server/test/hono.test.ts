import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { protect, requireScope, type CallerVariables } from '../src/hono.ts';
import { adapterSuite } from './adapter-suite.ts';
import { openApi, webRequestWith, proofOf } from './api.ts';

type Env = { Variables: CallerVariables };

adapterSuite('Hono 4', async (verifier) => {
  let handled = 0;
  const answer = (c: Context<Env>): Response => {
    handled++;
    return c.json({ identity: c.get('caller').identity, owner: c.get('caller').owner?.id });
  };
  const app = new Hono<Env>();
  // Else Hono prints the defect that a test plants.
  app.onError((_error, c) => c.text('', 500));
  app.use(protect(verifier));
  app.get('/v1/entries', answer);
  app.post('/v1/entries', requireScope(verifier, 'journal.write'), answer);
  app.post('/v1/close', requireScope(verifier, 'journal.close'), answer);
  app.route('/v1/nested', new Hono<Env>().get('/entries', answer));
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    handled: () => handled,
    close: () => server.close() && once(server, 'close'),
  };
});

test('Hono 4: needs no server: a Web request is enough', async () => {
  const { verifier, key, token } = await openApi();
  const app = new Hono<Env>();
  app.use(protect(verifier));
  app.get('/v1/entries', (c) => c.text(c.get('caller').identity));
  const response = await app.request(webRequestWith(token, proofOf(key, token)));
  expect(response.status).toBe(200);
});
