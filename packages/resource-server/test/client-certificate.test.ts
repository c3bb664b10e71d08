import { hash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Refusal, type VerifierOptions } from '../src/index.ts';
import { openApi, proofOf, refusalOf, requestWith, nodeRequest } from './api.ts';
import { answerWith, serveDocuments } from './document-server.ts';
import { NOW, createIssuer } from './issuer.ts';

const file = (name: string): string => readFileSync(join(import.meta.dirname, 'tls', name), 'utf8');
const pair = (name: string) => ({ certificate: file(`${name}.crt`), key: file(`${name}.key`) });
const [own, other, served] = [pair('batch'), pair('thief'), pair('server')];
const ca = file('ca.crt');
const x5t = hash('sha256', new X509Certificate(own.certificate).raw, 'base64url');
const fromHeader: VerifierOptions['clientCertificate'] = (message) => {
  const { rawHeaders } = message as { rawHeaders: string[] };
  const at = rawHeaders.indexOf('X-Client-Cert');
  return at < 0 ? undefined : decodeURIComponent(rawHeaders[at + 1]!);
};
const shown = (certificate: string) => ['X-Client-Cert', encodeURIComponent(certificate)] as const;

describe('a token that is bound to a certificate (RFC 8705 §3)', () => {
  test('is accepted from who shows that, and refused from who shows another or none', async () => {
    const { verifier, issuer } = await openApi({ clientCertificate: fromHeader });
    const token = await issuer.token(undefined, { claims: { cnf: { 'x5t#S256': x5t } } });
    const bearer = ['Authorization', `Bearer ${token}`] as const;
    expect(await verifier.verify(nodeRequest(bearer, shown(own.certificate)))).toMatchObject({
      binding: 'mtls',
      x5t,
      jkt: undefined,
    });
    expect((await refusalOf(verifier, nodeRequest(bearer, shown(other.certificate)))).reason).toBe('certificate');
    expect((await refusalOf(verifier, nodeRequest(bearer))).reason).toBe('certificate');
    expect((await refusalOf(verifier, nodeRequest(bearer, ['X-Client-Cert', 'canary']))).reason).toBe('certificate');
  });

  test('and to a key needs both: the certificate and a proof', async () => {
    const { verifier, issuer, key } = await openApi({ clientCertificate: fromHeader });
    const token = await issuer.token(key.jkt, { claims: { cnf: { jkt: key.jkt, 'x5t#S256': x5t } } });
    const headers = () => requestWith(token, proofOf(key, token));
    const with_ = (certificate: string) => ({
      ...headers(),
      rawHeaders: [...headers().rawHeaders, ...shown(certificate)],
    });
    expect(await verifier.verify(with_(own.certificate))).toMatchObject({ binding: 'dpop', jkt: key.jkt, x5t });
    expect((await refusalOf(verifier, with_(other.certificate))).reason).toBe('certificate');
    expect((await refusalOf(verifier, headers())).reason).toBe('certificate');
    const asBearer = nodeRequest(['Authorization', `Bearer ${token}`], shown(own.certificate));
    expect((await refusalOf(verifier, asBearer)).reason).toBe('bound_as_bearer');
  });

  test('is refused where no certificate is looked for, and opens no way for tokens that are bound to nothing', async () => {
    const { verifier, issuer, key } = await openApi();
    const token = await issuer.token(key.jkt, { claims: { cnf: { jkt: key.jkt, 'x5t#S256': x5t } } });
    expect((await refusalOf(verifier, requestWith(token, proofOf(key, token)))).reason).toBe('certificate');
    const loose = await openApi({ clientCertificate: fromHeader });
    const unbound = await loose.issuer.token(undefined, { claims: { cnf: undefined } });
    const request_ = nodeRequest(['Authorization', `Bearer ${unbound}`], shown(own.certificate));
    expect((await refusalOf(loose.verifier, request_)).reason).toBe('bearer');
  });

  test('is refused once the list has the key that it was given to, or the lease of its certificate, or itself', async () => {
    const issuer = await createIssuer();
    const bound = { lease: 'ls_token', owner: { id: 'team', kind: 'team' }, environment: 'test', processes: [] };
    const token = await issuer.token(undefined, {
      claims: {
        jti: 'ls_token',
        cnf: { 'x5t#S256': x5t },
        tallystick: { ...bound, holder: 'k'.repeat(43), certificate: 'ls_certificate' },
      },
    });
    await using server = await serveDocuments(answerWith(''));
    const outcome = async (line: object): Promise<string> => {
      const list = await issuer.revocations([{ until: NOW + 900, ...line }]);
      server.answer = answerWith(list);
      const { verifier } = await openApi({
        clientCertificate: fromHeader,
        issuers: [
          {
            issuer: issuer.issuer,
            jwks: issuer.jwks,
            subjects: ['spiffe://acme.example/'],
            revocations: { url: `${server.url}/revocations` },
          },
        ],
      });
      await using _verifier = verifier;
      const request_ = nodeRequest(['Authorization', `Bearer ${token}`], shown(own.certificate));
      return verifier.verify(request_).then(
        () => 'accepted',
        (error: Refusal) => error.reason,
      );
    };
    expect(await outcome({ kind: 'jkt', value: 'k'.repeat(43) })).toBe('token_revoked');
    expect(await outcome({ kind: 'jti', value: 'ls_certificate' })).toBe('token_revoked');
    expect(await outcome({ kind: 'jti', value: 'ls_token' })).toBe('token_revoked');
    expect(await outcome({ kind: 'jti', value: 'ls_another' })).toBe('accepted');
    expect(await outcome({ kind: 'jkt', value: 'ls_certificate' })).toBe('accepted');
  });

  test('is told of in the metadata of the resource', async () => {
    const { verifier } = await openApi({ clientCertificate: 'tls' });
    const url = '/.well-known/oauth-protected-resource';
    expect(verifier.metadata({ ...nodeRequest(), url })).toMatchObject({
      tls_client_certificate_bound_access_tokens: true,
      dpop_bound_access_tokens_required: false,
    });
  });
});

test('"tls" takes the certificate of the connection that the request came over', async () => {
  const { verifier, issuer } = await openApi({ clientCertificate: 'tls' });
  const token = await issuer.token(undefined, { claims: { cnf: { 'x5t#S256': x5t } } });
  const server = createServer(
    { cert: served.certificate, key: served.key, ca, requestCert: true, rejectUnauthorized: false },
    (message, response) => {
      verifier.verify(message).then(
        ({ identity }) => response.end(identity),
        (error: unknown) => response.end(Refusal.is(error) ? error.reason : 'thrown'),
      );
    },
  );
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const ask = async (client?: { certificate: string; key: string }): Promise<string> => {
    const headers = { host: 'ledger.acme.example', authorization: `Bearer ${token}` };
    const tls = { ca, servername: 'api.test', ...(client && { cert: client.certificate, key: client.key }) };
    const sent = request({ port, host: '127.0.0.1', path: '/v1/entries', headers, agent: false, ...tls });
    const [answer] = (await once(sent.end(), 'response')) as [AsyncIterable<Buffer>];
    let text = '';
    for await (const chunk of answer) text += chunk.toString();
    return text;
  };
  expect(await ask(own)).toMatch(/^spiffe:/);
  expect(await ask(other)).toBe('certificate');
  expect(await ask()).toBe('certificate');
});
