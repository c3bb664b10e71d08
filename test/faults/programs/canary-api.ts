// An API that prints whatever it learns of a caller, and tells the test on descriptor 3 what it was sent.
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { createVerifier, readIssuerFile, Refusal } from '@tallystick/resource-server';
import { show } from './show.ts';

const { values } = parseArgs({
  options: { port: { type: 'string' }, issuer: { type: 'string' }, audience: { type: 'string' } },
});
const verifier = createVerifier({
  issuers: [readIssuerFile(values.issuer!)],
  audience: values.audience!,
  publicOrigins: [`http://127.0.0.1:${values.port}`],
  nonceSecret: randomBytes(32),
  receipts: { file: 'receipts.jsonl', intervalMs: 100 },
});
show('verifier', verifier);

const server = createServer((request, response) => {
  const { authorization = '', dpop = '' } = request.headers;
  writeSync(3, `${JSON.stringify({ kind: 'sent', authorization, dpop })}\n`);
  verifier.verify(request).then(
    (caller) => {
      show('caller', caller);
      const nonce = verifier.nonce();
      response.writeHead(200, nonce === undefined ? {} : { 'dpop-nonce': nonce }).end('{}');
    },
    (error: unknown) => {
      show('refusal', error);
      if (Refusal.is(error)) response.writeHead(error.status, error.headers);
      else response.writeHead(500);
      response.end();
    },
  );
});
server.listen(Number(values.port), '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ event: 'listening' })}\n`);
});
process.once('SIGTERM', () => {
  void verifier.close();
  server.closeAllConnections();
  server.close();
});
