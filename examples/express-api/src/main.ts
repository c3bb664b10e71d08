// The ledger's API in Express. Behind a load balancer, with a store for used proofs that all replicas share.
import { parseArgs } from 'node:util';
import { createVerifier, readIssuerFile } from '@tallystick/resource-server';
import { protect, requireScope } from '@tallystick/resource-server/express';
import express from 'express';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '3001' },
    audience: { type: 'string', default: 'https://ledger.acme.example' },
    issuer: { type: 'string', default: '/etc/ledger/issuer.json' },
  },
});

const verifier = createVerifier({
  issuers: [readIssuerFile(values.issuer)],
  audience: values.audience,
  publicOrigins: [`http://127.0.0.1:${values.port}`],
});

const api = express();
api.use(protect(verifier));
api.post('/journal', requireScope(verifier, 'journal.write'), (request, response) => {
  response.json({ accepted: true, by: request.caller?.identity, owner: request.caller?.owner?.id });
});
const server = api.listen(Number(values.port), '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ event: 'listening', port: Number(values.port) })}\n`);
});
process.once('SIGTERM', () => server.close());
