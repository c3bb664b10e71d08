// One Express application with three routes that answer the same: open, behind our middleware, behind Auth0's.
import { createServer } from 'node:http';
import { createVerifier } from '@tallystick/resource-server';
import { protect } from '@tallystick/resource-server/express';
import express, { type Request, type Response } from 'express';
import { auth } from 'express-oauth2-jwt-bearer';
import { AUDIENCE, ISSUER } from '../../daemon/daemon.ts';

const { port, origin, jwks } = JSON.parse(process.argv[2]!) as { port: number; origin: string; jwks: string };
const answer = (_request: Request, response: Response): void => {
  response.json({ ok: true });
};
const verifier = createVerifier({
  issuers: [{ issuer: ISSUER, jwks, subjects: ['spiffe://acme.example/payments/'] }],
  audience: AUDIENCE,
  publicOrigins: [origin],
});
const app = express();
app.get('/open', answer);
app.get('/tallystick', protect(verifier), answer);
app.get(
  '/auth0',
  auth({
    issuer: ISSUER,
    jwksUri: jwks,
    audience: AUDIENCE,
    tokenSigningAlg: 'ES256',
    dpop: { enabled: true, required: true },
  }),
  answer,
);
const server = createServer(app);
server.keepAliveTimeout = 60_000;
server.listen(port, '127.0.0.1', () => process.send!({ answer: 'ready' }));
process.on('disconnect', () => process.exit());
