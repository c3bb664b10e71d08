// The ledger's API: takes journal entries from callers that prove possession of their token's key.
import { parseArgs } from 'node:util';
import { createVerifier, readIssuerFile } from '@tallystick/resource-server';
import { protect, requireScope } from '@tallystick/resource-server/fastify';
import Fastify from 'fastify';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '3000' },
    audience: { type: 'string', default: 'https://ledger.acme.example' },
    /** The URL origin by which clients reach this API, where something stands between. */
    origin: { type: 'string' },
    /** What "tallystick issuer export" wrote. */
    issuer: { type: 'string', default: '/etc/ledger/issuer.json' },
    /** Where the issuer's revocation list is: tokens then end at once, not at their expiry. */
    revocations: { type: 'string' },
  },
});

const { revocations: url } = values;
const verifier = createVerifier({
  issuers: [{ ...readIssuerFile(values.issuer), ...(url !== undefined && { revocations: { url, pollMs: 250 } }) }],
  audience: values.audience,
  publicOrigins: [values.origin ?? `http://127.0.0.1:${values.port}`],
});

const api = Fastify();
await api.register(protect, { verifier });
api.post('/journal', { preHandler: requireScope(verifier, 'journal.write') }, (request) => {
  const { identity, owner, leaseId } = request.caller;
  return { accepted: true, by: identity, owner: owner?.id, lease: leaseId };
});
await api.listen({ host: '127.0.0.1', port: Number(values.port) });
process.stdout.write(`${JSON.stringify({ event: 'listening', port: Number(values.port) })}\n`);
process.once('SIGTERM', () => void api.close());
