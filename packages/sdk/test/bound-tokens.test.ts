import { setImmediate as turn } from 'node:timers/promises';
import type { TallystickError, X509Credential } from '@tallystick/core';
import { decodeJwt } from 'jose';
import { describe, expect, onTestFinished, test } from 'vitest';
import * as undici8 from 'undici';
import * as undici7 from 'undici7';
import type { Identity } from '../src/identity.ts';
import { rotatingDispatcher } from '../src/tls.ts';
import { CLOSE_BATCH, LEDGER, sealedCredential, type FakeSidecar } from './fake-sidecar.ts';
import { FakeApi } from './fake-api.ts';
import { onPath } from './on-path.ts';
import { openssl, x509 } from './openssl-authority.ts';
import { connected, sidecar } from './setup.ts';

const VERSIONS = { 'undici 7': undici7 as unknown as typeof undici8, 'undici 8': undici8 };
const code = (name: string): unknown => expect.objectContaining({ code: name });

/** A sidecar that gives certificates, a token bound to them, and another by DPoP; an API that takes whatever comes. */
async function bench() {
  const sign = openssl();
  const fake = await sidecar({ making: ({ request }) => x509(sign(Buffer.from(request.csr!, 'base64'))) });
  const server = await FakeApi.start(fake.publicJwk);
  onTestFinished(() => server.stop());
  server.behave = ({ path }, response) => {
    if (path.startsWith('/proven')) return false;
    response.end(path);
    return true;
  };
  fake.options.identities = [identityOf(server)];
  return { fake, server, identity: await connected(fake) };
}

function identityOf({ origin }: FakeApi, certificate: string | undefined = 'batch-tls') {
  const bound = { ...LEDGER, name: 'ledger-mtls', audience: 'https://mtls.acme.example', binding: 'mtls', certificate };
  return {
    ...CLOSE_BATCH,
    credentials: [
      { ...LEDGER, use: [`${origin}/proven/`] },
      { ...bound, use: [`${origin}/`] },
      sealedCredential('batch-tls', 'x509', { binding: 'mtls' }),
      sealedCredential('other-tls', 'x509', { binding: 'mtls' }),
    ],
  };
}

const certificateOf = (identity: Identity, name = 'batch-tls'): Promise<X509Credential> =>
  identity.credential(name, 'x509');

const tokensAskedOf = (fake: FakeSidecar): readonly (string | undefined)[] =>
  fake.seen.flatMap(({ token }) => (token ? [token.certificate] : []));

describe.skipIf(!onPath('openssl'))('a token that is bound to a certificate', () => {
  describe.each(Object.entries(VERSIONS))('over a dispatcher of %s that has it', (_name, undici) => {
    async function dispatching() {
      const own = await bench();
      const certificate = await certificateOf(own.identity);
      const agent = new undici.Agent();
      onTestFinished(() => agent.destroy());
      const dispatcher = agent.compose(own.identity.interceptor({ certificate }));
      return { ...own, certificate, dispatcher, url: (path: string) => `${own.server.origin}${path}` };
    }

    test('goes as a Bearer token, without a proof, in the place of what the caller wrote', async () => {
      const { server, dispatcher, url, certificate, fake } = await dispatching();
      const headers = { authorization: 'Basic x', DPoP: 'forged', 'X-Own': '1' };
      for (const path of ['/a', '/b']) await (await undici.request(url(path), { dispatcher, headers })).body.dump();
      for (const { headers: sent, rawHeaders } of server.seen) {
        expect(rawHeaders.filter((header) => /^(dpop|authorization)$/i.test(header))).toHaveLength(1);
        expect(sent['x-own']).toBe('1');
        const [scheme, token] = sent.authorization!.split(' ');
        expect(scheme).toBe('Bearer');
        expect(Object.keys(decodeJwt(token!).cnf as object)).toEqual(['x5t#S256']);
      }
      expect(tokensAskedOf(fake)).toEqual([certificate.leaseId]);
    });

    test('leaves what another credential covers to its proofs', async () => {
      const { server, dispatcher, url } = await dispatching();
      const { statusCode } = await undici.request(url('/proven/a'), { dispatcher });
      expect(statusCode).toBe(200);
      expect(server.seen[0]!.headers.authorization).toMatch(/^DPoP /);
    });

    test('is asked for once more where the API calls it invalid, and for no other reason', async () => {
      const { fake, server, dispatcher, url } = await dispatching();
      let challenge = 'Bearer error="invalid_token"';
      server.behave = (_request, response) => {
        response.writeHead(401, { 'www-authenticate': challenge, 'dpop-nonce': 'n' }).end();
        return true;
      };
      const ask = async (): Promise<number> => {
        const before = server.seen.length;
        const { statusCode, body } = await undici.request(url('/a'), { dispatcher });
        await body.dump();
        expect(statusCode).toBe(401);
        return server.seen.length - before;
      };
      expect(await ask()).toBe(2);
      expect(tokensAskedOf(fake)).toHaveLength(2);
      for (challenge of ['Bearer error="use_dpop_nonce"', 'DPoP error="invalid_token"', 'Bearer']) {
        expect(await ask()).toBe(1);
      }
    });

    test('is counted among the uses of its lease', async () => {
      const { fake, identity, dispatcher, url, server } = await dispatching();
      for (const path of ['/a', '/b']) await (await undici.request(url(path), { dispatcher })).body.dump();
      await identity.close();
      const lease = decodeJwt(server.seen[0]!.headers.authorization!.split(' ')[1]!).jti;
      expect(fake.reports.flatMap(({ uses }) => uses)).toMatchObject([{ leaseId: lease, count: 2 }]);
    });
  });

  test('is one for each certificate, however many ask at once', async () => {
    const { fake, identity } = await bench();
    const first = await certificateOf(identity);
    const ask = (certificate: X509Credential) => identity.credential('ledger-mtls', 'access-token', { certificate });
    const [one, again] = await Promise.all([ask(first), ask(first)]);
    expect([one.leaseId, one.binding]).toEqual([again.leaseId, 'mtls']);
    await identity.release(first);
    const second = await certificateOf(identity);
    expect((await ask(second)).leaseId).not.toBe(one.leaseId);
    expect(tokensAskedOf(fake)).toEqual([first.leaseId, second.leaseId]);
  });

  test('goes nowhere without it, and the error says how it does', async () => {
    const { fake, server, identity } = await bench();
    const [other, url] = [await certificateOf(identity, 'other-tls'), `${server.origin}/a`];
    const agent = new undici8.Agent();
    onTestFinished(() => agent.destroy());
    const over = (interceptor: ReturnType<Identity['interceptor']>) =>
      undici8.request(url, { dispatcher: agent.compose(interceptor) });
    const attempts = [
      () => identity.fetch(url),
      () => identity.fetchWith('ledger-mtls')(url),
      () => identity.authorize({ method: 'GET', url }),
      () => identity.credential('ledger-mtls', 'access-token'),
      () => identity.credential('ledger-mtls', 'access-token', { certificate: other }),
      () => identity.watch('ledger-mtls', 'access-token')[Symbol.asyncIterator]().next(),
      () => over(identity.interceptor()),
      () => over(identity.interceptor({ certificate: other })),
    ];
    for (const attempt of attempts) {
      const error = await attempt().then(
        () => undefined,
        (reason: unknown) => reason as TallystickError,
      );
      expect(error).toEqual(code('certificate_required'));
      expect(error?.remedy).toContain("rotatingDispatcher(identity, 'batch-tls'");
    }
    expect([server.seen.length, tokensAskedOf(fake).length]).toEqual([0, 0]);
  });

  test('is no other credential: one that is bound to the key takes no certificate', async () => {
    const { identity } = await bench();
    const certificate = await certificateOf(identity);
    await expect(identity.credential('ledger-api', 'access-token', { certificate })).rejects.toEqual(
      code('invalid_request'),
    );
  });

  test('asks for the certificate again where the sidecar does not know that any more, and can be asked for again', async () => {
    const { fake, identity } = await bench();
    const certificate = await certificateOf(identity);
    fake.forget(certificate.leaseId);
    const asked = identity.credential('ledger-mtls', 'access-token', { certificate });
    await expect(asked).rejects.toMatchObject({ code: 'lease_unknown', retryable: true });
    await expect.poll(async () => (await certificateOf(identity)).leaseId).not.toBe(certificate.leaseId);
    const next = await certificateOf(identity);
    expect(await identity.credential('ledger-mtls', 'access-token', { certificate: next })).toMatchObject({
      binding: 'mtls',
    });
  });

  test('serves to its end when the sidecar was restarted, which is asked for another certificate, not for it', async () => {
    const { fake, identity } = await bench();
    const certificate = await certificateOf(identity);
    const held = await identity.credential('ledger-mtls', 'access-token', { certificate });
    await fake.until(() => fake.streams === 1);
    await fake.down();
    await fake.up();
    await expect
      .poll(async () => (await certificateOf(identity)).leaseId, { timeout: 20_000 })
      .not.toBe(certificate.leaseId);
    expect((await identity.credential('ledger-mtls', 'access-token', { certificate })).leaseId).toBe(held.leaseId);
    expect(tokensAskedOf(fake)).toEqual([certificate.leaseId]);
  }, 25_000);

  test('is given up when its credential is bound to another one, or to none', async () => {
    const { fake, server, identity } = await bench();
    const certificate = await certificateOf(identity);
    await identity.credential('ledger-mtls', 'access-token', { certificate });
    await fake.until(() => fake.streams === 1);
    fake.options.identities = [identityOf(server, 'other-tls')];
    fake.push({ type: 'changed' });
    const ask = () => identity.credential('ledger-mtls', 'access-token', { certificate });
    await expect.poll(() => ask().catch((error: TallystickError) => error.code)).toBe('certificate_required');
  });

  test.each(Object.entries(VERSIONS))(
    'that still waits when its certificate is replaced goes over the connections of that: %s',
    async (_name, undici) => {
      const { fake, server, identity } = await bench();
      const opened: X509Credential[] = [];
      const dispatcher = await rotatingDispatcher(identity, 'batch-tls', (_tls, certificate) => {
        opened.push(certificate);
        return new undici.Agent().compose(identity.interceptor({ certificate }));
      });
      const held = Promise.withResolvers<void>();
      fake.options.intercept = async ({ token }) => {
        if (token) await held.promise;
      };
      const call = undici.request(`${server.origin}/slow`, { dispatcher: dispatcher as unknown as undici8.Dispatcher });
      await expect.poll(() => tokensAskedOf(fake).length).toBe(1);
      await expect.poll(() => fake.streams).toBe(1);
      fake.rotate(opened[0]!.leaseId);
      await expect.poll(() => opened.length).toBe(2);
      // Its dispatcher would be closed by now, had it nothing left to do.
      await turn();
      held.resolve();
      expect(await (await call).body.text()).toBe('/slow');
      expect(tokensAskedOf(fake)).toEqual([opened[0]!.leaseId]);
      await dispatcher.close();
    },
  );
});
