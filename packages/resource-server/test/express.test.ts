import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express, { Router, type Request, type Response } from 'express';
import { protect, requireScope } from '../src/express.ts';
import { adapterSuite } from './adapter-suite.ts';

adapterSuite('Express 5', async (verifier) => {
  let handled = 0;
  const answer = (request: Request, response: Response): void => {
    handled++;
    response.json({ identity: request.caller?.identity, owner: request.caller?.owner?.id });
  };
  const app = express();
  // Else Express prints the defect that a test plants.
  app.set('env', 'test');
  app.use(protect(verifier));
  app.get('/v1/entries', answer);
  app.post('/v1/entries', requireScope(verifier, 'journal.write'), answer);
  app.post('/v1/close', requireScope(verifier, 'journal.close'), answer);
  app.use('/v1/nested', Router().get('/entries', answer));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    handled: () => handled,
    close: () => server.close() && once(server, 'close'),
  };
});
