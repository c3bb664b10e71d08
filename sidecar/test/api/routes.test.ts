import { request as send } from 'node:http';
import { serverMetadata } from '@tallystick/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jwkSet } from '../../src/issuer/jwks.ts';
import { PUBLISH_AHEAD_MS } from '../../src/issuer/local-signer.ts';
import { createWorkloadHandler } from '../../src/api/workload/router.ts';
import { configOf, credential, entitled, identity, ISSUER } from '../acme.ts';
import { ask, dial, readRaw } from '../listen/unix-client.ts';
import { holder, postForm } from './holder.ts';
import { serveSidecar } from './served-sidecar.ts';

const FORM = 'application/x-www-form-urlencoded';

describe('every answer of the workload socket', () => {
  test('has the nonce of the moment, and is not to be kept (RFC 9449 §8.2)', async () => {
    const own = await serveSidecar();
    const socket = await own.workload();
    const one = await holder(socket);
    const answers = [
      await ask(socket, { target: '/.well-known/oauth-authorization-server' }),
      await ask(socket, { target: '/jwks' }),
      await one.token(),
      await one.send('GET', '/v1/identity'),
      await one.send('DELETE', '/v1/leases/x'),
      await postForm(socket, '/revoke', { token: 'x' }),
      await postForm(socket, '/introspect', { token: 'x' }),
      await ask(socket, { target: '/nothing' }),
      await ask(socket, { method: 'PUT', target: '/token' }),
    ];
    for (const { headers } of answers) {
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
      expect(headers['dpop-nonce']).toBe(answers[0]!.headers['dpop-nonce']);
    }
    own.time.advance(15_000);
    expect((await ask(socket, { target: '/jwks' })).headers['dpop-nonce']).not.toBe(answers[0]!.headers['dpop-nonce']);
  });
});

describe('what needs no proof', () => {
  test('is the metadata of the issuer as it is configured (RFC 8414)', async () => {
    const { workload } = await serveSidecar();
    const answer = await ask(await workload(), {
      target: '/.well-known/oauth-authorization-server',
      headers: { host: 'localhost' },
    });
    expect([answer.status, answer.json]).toEqual([200, JSON.parse(JSON.stringify(serverMetadata(ISSUER)))]);
  });

  test('is its keys (RFC 7517), the new ones after a rotation', async () => {
    const { workload, signer, time } = await serveSidecar();
    const socket = await workload();
    for (let rotation = 0; rotation < 2; rotation++) {
      const answer = await ask(socket, { target: '/jwks' });
      expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/jwk-set+json']);
      expect(JSON.parse(answer.body)).toEqual(jwkSet(signer.keys()));
      time.advance(PUBLISH_AHEAD_MS);
      await signer.rotate(async () => {});
    }
  });
});

describe('a route is found by its exact path', () => {
  test.each([
    '/',
    '//',
    '/token/',
    '//token',
    '/Token',
    '/token?x=1',
    '/token#x',
    '/token;x',
    '/%74oken',
    '/token%00',
    '/./token',
    '/v1/../token',
    '/v1/leases/../../token',
    '/v1/leases',
    '/v1/leases/',
    '/v1/leases/a/b',
    '/v1/identity/x',
    '/jwks/x',
    '/.well-known/openid-configuration',
    '/v1/__proto__',
    '/constructor',
    'http://tallystick.acme.example/token',
    `/${'x'.repeat(8000)}`,
  ])('and %s is none', async (target) => {
    const { workload } = await serveSidecar();
    const connection = dial(await workload(), `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    const { status, json } = readRaw(await connection.closed);
    expect([status, json.code]).toEqual([404, 'route_unknown']);
  });

  test('and tells which methods it takes (RFC 9110 §15.5.6)', async () => {
    const { workload } = await serveSidecar();
    const socket = await workload();
    const rows: [string, string, string][] = [
      ['GET', '/token', 'POST'],
      ['POST', '/jwks', 'GET'],
      ['OPTIONS', '/token', 'POST'],
      ['DELETE', '/v1/identity', 'GET'],
      ['GET', '/v1/leases/ls_x', 'DELETE'],
      ['POST', '/v1/events', 'GET'],
      ['PATCH', '/revoke', 'POST'],
    ];
    for (const [method, target, allow] of rows) {
      const answer = await ask(socket, { method, target });
      expect([target, answer.status, answer.json.code, answer.headers.allow]).toEqual([
        target,
        405,
        'method_not_allowed',
        allow,
      ]);
    }
    const head = await ask(socket, { method: 'HEAD', target: '/jwks' });
    expect([head.status, head.headers.allow, head.body]).toEqual([405, 'GET', '']);
  });

  test('and two routes may not share one', () => {
    const route = { method: 'GET' as const, path: '/x', handle: () => undefined };
    const options = { metrics: { describe: () => {} } };
    expect(() => createWorkloadHandler({ routes: [route, route], ...options } as never)).toThrow(TypeError);
  });
});

test('a connection is kept after a refusal, also of a request whose body was not read', async () => {
  const { workload } = await serveSidecar();
  const body = 'x'.repeat(1000);
  const requests = [
    `POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n',
    `POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    'GET /jwks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  ];
  const received = await dial(await workload(), requests.join('')).closed;
  expect([...received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status)).toEqual([
    '404',
    '404',
    '400',
    '200',
  ]);
});

describe('GET /v1/identity', () => {
  const config = configOf(
    [
      identity('close-batch', {
        businessProcesses: ['BP-1', 'BP-2'],
        revocable: 'prompt',
        entitlements: [entitled('ledger-api', { scope: 'journal.read' }), entitled('other-api')],
      }),
    ],
    [
      credential('ledger-api', {
        use: [{ text: 'https://ledger.example/v1', origin: 'https://ledger.example', segments: ['v1'] }],
      }),
      credential('other-api', { scope: [], attribution: 'run' }),
    ],
  );

  test('tells the workload who it is and what it may have, and nothing else of the configuration', async () => {
    const { workload } = await serveSidecar({ config });
    const answer = await (await holder(await workload())).send('GET', '/v1/identity');
    expect([answer.status, answer.json]).toEqual([
      200,
      {
        id: 'spiffe://acme.example/close-batch',
        owner: { id: 'team-payments', kind: 'team' },
        environment: 'production',
        processes: ['BP-1', 'BP-2'],
        state: 'active',
        revocable: 'prompt',
        credentials: [
          {
            name: 'ledger-api',
            type: 'access-token',
            audience: 'https://ledger-api.acme.example',
            scope: 'journal.read',
            use: ['https://ledger.example/v1'],
            binding: 'dpop',
            delivery: 'plain',
            attribution: 'process',
          },
          {
            name: 'other-api',
            type: 'access-token',
            audience: 'https://other-api.acme.example',
            use: [],
            binding: 'dpop',
            delivery: 'plain',
            attribution: 'run',
          },
        ],
      },
    ]);
  });

  test('is answered to a suspended and to an expired identity, with its state', async () => {
    const { workload, sidecar, time } = await serveSidecar({ config });
    const one = await holder(await workload());
    const [batch] = [...sidecar.registry().identities.values()];
    await sidecar.withdrawal.suspend(batch!, 'x').durable;
    expect((await one.send('GET', '/v1/identity')).json.state).toBe('suspended');
    await sidecar.withdrawal.resume(batch!);
    time.jump(Date.parse('2030-01-01T00:00:00Z') - time.nowMs());
    expect((await one.send('GET', '/v1/identity')).json.state).toBe('expired');
  });

  test('needs a proof for it, and takes the name of one identity among several', async () => {
    const { workload } = await serveSidecar({ config: configOf([identity('one'), identity('two')]) });
    const socket = await workload();
    const one = await holder(socket);
    expect((await ask(socket, { target: '/v1/identity' })).json.code).toBe('identity_ambiguous');
    const named = (id: string) => one.send('GET', '/v1/identity', { headers: { 'tallystick-identity': id } });
    expect((await named('spiffe://acme.example/two')).json.id).toBe('spiffe://acme.example/two');
    expect((await named('spiffe://acme.example/three')).json.code).toBe('identity_mismatch');
    expect((await named('spiffe://acme.example/one, spiffe://acme.example/two')).status).toBe(401);
    const headers = [
      'tallystick-identity',
      'spiffe://acme.example/one',
      'tallystick-identity',
      'spiffe://acme.example/two',
    ];
    const twice = await new Promise<number>((resolve, reject) => {
      send({
        socketPath: socket,
        path: '/v1/identity',
        headers: [...headers, 'dpop', one.prove('GET', '/v1/identity')],
      })
        .on('response', (response) => resolve(response.resume().statusCode!))
        .on('error', reject)
        .end();
    });
    expect(twice).toBe(400);
    const bare = await ask(socket, {
      target: '/v1/identity',
      headers: { 'tallystick-identity': 'spiffe://acme.example/one' },
    });
    expect([bare.status, bare.json.error]).toEqual([400, 'invalid_dpop_proof']);
  });
});

test('no request, however malformed, is answered with a 5xx or in another shape, or stops the next one', async () => {
  const own = await serveSidecar();
  const socket = await own.workload();
  const one = await holder(socket);
  await one.token();
  const token = (await one.token()).json.access_token as string;
  const good = () => one.prove('POST', '/token');
  const mangled = (text: string) => fc.nat(text.length - 1).map((at) => text.slice(0, at) + '~' + text.slice(at + 2));
  const printable = fc.string({
    unit: fc.constantFrom('a', '.', '=', '&', '%', '+', '/', '"', '{', '}', '\\', ' ', '0', '-', '_'),
  });
  const b64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const proof = fc.oneof(
    printable,
    fc.constant('').chain(() => mangled(good())),
    fc
      .tuple(fc.jsonValue(), fc.jsonValue(), printable)
      .map(([header, claims, rest]) => `${b64(header)}.${b64(claims)}.${rest}`),
    fc.jsonValue().map((jwk) => `${b64({ typ: 'dpop+jwt', alg: 'ES256', jwk })}.${b64({ jti: '\ud800' })}.AAAA`),
    fc.constant('').map(good),
  );
  const body = fc.oneof(
    printable,
    fc.constant('grant_type=client_credentials'),
    fc
      .tuple(fc.constantFrom('scope', 'resource', 'client_id', 'context', 'token'), fc.string())
      .map(([name, value]) => `grant_type=client_credentials&${name}=${encodeURIComponent(value.toWellFormed())}`),
    fc.jsonValue().map((value) => `grant_type=client_credentials&context=${encodeURIComponent(JSON.stringify(value))}`),
    fc
      .constant('')
      .chain(() => mangled(token))
      .map((text) => `token=${encodeURIComponent(text)}`),
  );
  const malformed = fc.record({
    method: fc.constantFrom('GET', 'POST', 'DELETE', 'PUT', 'OPTIONS'),
    target: fc.oneof(
      fc.constantFrom(
        '/token',
        '/revoke',
        '/introspect',
        '/v1/identity',
        '/v1/leases/ls_01KAMZ3CT000000000000000AA',
        '/jwks',
      ),
      fc.webPath(),
    ),
    type: fc.constantFrom(FORM, FORM, FORM, 'application/json', 'x', ''),
    proof,
    body,
  });
  await fc.assert(
    fc.asyncProperty(malformed, async ({ method, target, type, proof: dpop, body: text }) => {
      const answer = await ask(socket, {
        method,
        target: target.startsWith('/') ? target : `/${target}`,
        // Node's client frames no body of some methods by itself.
        headers: { 'content-type': type, 'content-length': String(Buffer.byteLength(text)), dpop },
        body: text,
      });
      expect(answer.status).toBeLessThan(500);
      if (answer.status >= 400) {
        expect(Object.keys(answer.json).sort()).toEqual(['code', 'error', 'error_description', 'remedy', 'retryable']);
        expect(answer.body).not.toContain(token);
      }
    }),
    { numRuns: 400 },
  );
  expect((await one.token()).status).toBe(200);
  expect(own.log.lines).toEqual([]);
});
