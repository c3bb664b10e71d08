import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Identity } from '../src/identity.ts';
import type { ApiRequest, FakeApi } from './fake-api.ts';
import { identityFor, type FakeSidecar } from './fake-sidecar.ts';
import { api, connected, sidecar } from './setup.ts';

async function bench(path = '/'): Promise<{ fake: FakeSidecar; server: FakeApi; identity: Identity; url: string }> {
  const fake = await sidecar();
  const server = await api(fake, path);
  return { fake, server, identity: await connected(fake), url: `${server.origin}/journal` };
}

const code = (expected: string) => expect.objectContaining({ code: expected });

function refuse(response: ServerResponse, error: string, headers: Record<string, string | string[]> = {}): true {
  response.writeHead(401, { 'www-authenticate': `DPoP error="${error}"`, ...headers }).end();
  return true;
}

describe('a request', () => {
  test('carries a token and a proof that a strict API accepts; query and fragment stay out of the proof', async () => {
    const { identity, url } = await bench();
    const response = await identity.fetch(`${url}?x=1#part`);
    expect(await response.json()).toMatchObject({ caller: identity.id, path: '/journal?x=1' });
  });

  test('may be given in every form that fetch takes', async () => {
    const { identity, url } = await bench();
    const form = new FormData();
    form.set('a', '1');
    const calls: Parameters<typeof fetch>[] = [
      [new URL(url)],
      [new Request(url, { method: 'POST', body: 'text' })],
      [new Request(url, { method: 'POST', body: 'x' }), { method: 'PUT', body: 'other' }],
      [url, { method: 'post', body: new URLSearchParams({ a: '1' }) }],
      [url, { method: 'POST', body: form }],
      [url, { method: 'POST', body: new Blob(['blob']) }],
      [url, { method: 'POST', body: Buffer.from('bytes') }],
      [url, { method: 'PATCH', body: 'p', headers: [['content-type', 'text/x']] }],
      [url, new Request(url, { method: 'DELETE' })],
      [url, { method: 'POST', body: new Blob(['stream']).stream(), duplex: 'half' }],
      [new Request(url, { method: 'POST', body: new Blob(['stream']).stream(), duplex: 'half' })],
    ];
    const answers: unknown[] = [];
    for (const call of calls) {
      const response = await identity.fetch(...call);
      expect(response.status).toBe(200);
      const { method, body, contentType } = (await response.json()) as Record<string, string>;
      answers.push([method, body?.includes('form-data') ? 'form' : body, contentType?.split(';')[0]]);
    }
    expect(answers).toEqual([
      ['GET', '', undefined],
      ['POST', 'text', 'text/plain'],
      ['PUT', 'other', 'text/plain'],
      ['POST', 'a=1', 'application/x-www-form-urlencoded'],
      ['POST', 'form', 'multipart/form-data'],
      ['POST', 'blob', undefined],
      ['POST', 'bytes', undefined],
      ['PATCH', 'p', 'text/x'],
      ['DELETE', '', undefined],
      ['POST', 'stream', undefined],
      ['POST', 'stream', undefined],
    ]);
  });

  test('marks a Request as used, as fetch does, and refuses one that was', async () => {
    const { identity, url } = await bench();
    const request = new Request(url, { method: 'POST', body: 'x' });
    await identity.fetch(request);
    expect(request.bodyUsed).toBe(true);
    await expect(identity.fetch(request)).rejects.toThrow(TypeError);
  });

  test.each([
    ['an object', { Authorization: 'Basic x', DPoP: 'forged', 'X-Own': '1' }],
    [
      'a list',
      [
        ['Authorization', 'Basic x'],
        ['DPoP', 'forged'],
        ['X-Own', '1'],
      ] as [string, string][],
    ],
    ['Headers', new Headers({ Authorization: 'Basic x', DPoP: 'forged', 'X-Own': '1' })],
  ])('has one Authorization and one DPoP header, ours, whatever was given as %s', async (_, headers) => {
    const { identity, url, server } = await bench();
    expect((await identity.fetch(url, { headers })).status).toBe(200);
    expect((await identity.fetch(new Request(url, { headers }))).status).toBe(200);
    for (const { rawHeaders, headers: seen } of server.seen) {
      expect(rawHeaders.filter((name) => /^(dpop|authorization)$/i.test(name))).toHaveLength(2);
      expect(seen).toMatchObject({ 'x-own': '1', authorization: expect.stringMatching(/^DPoP /) });
    }
  });

  test('goes to the fetch that is global when it is made, or to the one given to connect()', async () => {
    const { fake, identity, url } = await bench();
    const mocked = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response('mocked'));
    onTestFinished(() => mocked.mockRestore());
    expect(await (await identity.fetch(url)).text()).toBe('mocked');
    const own = async (): Promise<Response> => new Response('own');
    const other = await connected(fake, {}, { fetch: own });
    expect(await (await other.fetch(url)).text()).toBe('own');
  });

  test('to a URL that no credential covers is refused before anything is sent', async () => {
    const { identity, server } = await bench('/api/');
    await expect(identity.fetch(`${server.origin}/other`)).rejects.toThrow(
      /^url_not_covered: .*\/api\/ \(ledger-api\)/,
    );
    await expect(identity.fetch('/relative')).rejects.toThrow(TypeError);
    expect(server.seen).toEqual([]);
  });

  test('is the one that was made, though its URL, its options or its headers are changed before it is sent', async () => {
    const { identity, url, server } = await bench();
    const elsewhere = createServer((_request, response) => response.end()).listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    onTestFinished(() => void elsewhere.close());
    let reached = 0;
    elsewhere.on('request', () => reached++);
    const target = new URL(url);
    const init = { method: 'POST', body: 'mine', headers: { 'x-own': 'mine' } };
    const called = identity.fetch(target, init);
    target.port = String((elsewhere.address() as AddressInfo).port);
    Object.assign(init, { method: 'DELETE', body: 'other' });
    init.headers['x-own'] = 'other';
    expect((await called).status).toBe(200);
    expect([reached, server.seen.length]).toEqual([0, 1]);
    expect(server.seen[0]).toMatchObject({ method: 'POST', body: 'mine', headers: { 'x-own': 'mine' } });
  });

  test('fetchWith uses the named credential; one that the identity has not is refused', async () => {
    const { identity, url } = await bench();
    expect((await identity.fetchWith('ledger-api')(url)).status).toBe(200);
    await expect(identity.fetchWith('other')(url)).rejects.toEqual(code('not_entitled'));
  });

  test('rejects with a TypeError for the network, and with the signal\u2019s reason', async () => {
    const { fake, identity, server, url } = await bench();
    await expect(identity.fetch(url, { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
    const controller = new AbortController();
    server.behave = () => (controller.abort(new Error('while sent')), true);
    await expect(identity.fetch(url, { signal: controller.signal })).rejects.toThrow('while sent');
    await server.stop();
    await expect(identity.fetch(url)).rejects.toThrow(TypeError);
    expect(fake.mints).toBe(1);
  });

  test('that is aborted while it waits for a token rejects at once', async () => {
    const { fake, identity, url, server } = await bench();
    fake.options.intercept = ({ path }) => (path === '/token' ? 'hang' : undefined);
    const controller = new AbortController();
    const waiting = identity.fetch(new Request(url, { signal: controller.signal }));
    await fake.until(() => fake.seen.some(({ path }) => path === '/token'));
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    expect(server.seen).toEqual([]);
  });

  test('rejects with a TallystickError where there is no credential', async () => {
    const { fake, identity, url } = await bench();
    fake.setState('suspended');
    await expect(identity.fetch(url)).rejects.toEqual(code('identity_suspended'));
  });

  test('resolves with the API\u2019s own 401 and 403', async () => {
    const { identity, url, server } = await bench();
    for (const status of [401, 403, 500]) {
      server.behave = (_, response) => Boolean(response.writeHead(status).end('own'));
      const response = await identity.fetch(url);
      expect([response.status, await response.text()]).toEqual([status, 'own']);
    }
    expect(server.seen).toHaveLength(3);
  });
});

describe('RFC 9449 §8.2, §9: nonces of an API', () => {
  test('are learned from the 401, sent with the one repetition, then kept', async () => {
    const { identity, url, server } = await bench();
    server.nonces = true;
    expect((await identity.fetch(url, { method: 'POST', body: 'one' })).status).toBe(200);
    expect((await identity.fetch(new Request(url, { method: 'POST', body: 'two' }))).status).toBe(200);
    server.rotateNonce();
    expect((await identity.fetch(new Request(url, { method: 'POST', body: 'three' }))).status).toBe(200);
    expect(server.seen.map(({ body }) => body)).toEqual(['one', 'one', 'two', 'three', 'three']);
  });

  test('are learned from a success, and from the answer to the repetition', async () => {
    const { identity, url, server } = await bench();
    const sent: (string | undefined)[] = [];
    let count = 0;
    server.behave = ({ headers }, response) => {
      sent.push(nonceIn(headers.dpop as string));
      if (count === 1) return refuse(response, 'use_dpop_nonce', { 'dpop-nonce': `nonce-${count++}` });
      response.writeHead(200, { 'dpop-nonce': `nonce-${count++}` }).end();
      return true;
    };
    for (let i = 0; i < 3; i++) expect((await identity.fetch(url)).status).toBe(200);
    expect(sent).toEqual([undefined, 'nonce-0', 'nonce-1', 'nonce-2']);
  });

  test('are kept by origin', async () => {
    const { fake, identity, server, url } = await bench();
    const other = await api(fake);
    fake.options.identities = [identityFor([`${server.origin}/`, `${other.origin}/`])];
    const both = await connected(fake);
    server.behave = (_, response) => Boolean(response.writeHead(200, { 'dpop-nonce': 'of-one' }).end());
    other.behave = ({ headers }, response) =>
      Boolean(response.writeHead(200).end(nonceIn(headers.dpop as string) ?? 'none'));
    await both.fetch(url);
    expect(await (await both.fetch(`${other.origin}/`)).text()).toBe('none');
    expect(identity.id).toBe(both.id);
  });

  test('a one-shot body that would have to be sent twice is an error that says so', async () => {
    const { identity, url, server } = await bench();
    server.nonces = true;
    const body = Readable.toWeb(Readable.from(['chunk'])) as ReadableStream;
    await expect(identity.fetch(url, { method: 'POST', body, duplex: 'half' })).rejects.toThrow(
      /^body_not_replayable: /,
    );
    expect((await identity.fetch(url, { method: 'POST', body: 'again' })).status).toBe(200);
    expect(server.seen).toHaveLength(2);
  });
});

describe('a hostile API', () => {
  test.each([
    ['asks for the same nonce for ever', { 'dpop-nonce': 'same' }, 2],
    ['asks for a nonce and gives none', {}, 1],
    ['gives two nonces', { 'dpop-nonce': ['a', 'b'] }, 1],
    ['gives a nonce that is no nonce', { 'dpop-nonce': 'with space' }, 1],
    ['gives a nonce of 10 kB', { 'dpop-nonce': 'x'.repeat(10_000) }, 1],
  ])('%s: its 401 is the answer, after %3$s requests', async (_, headers, requests) => {
    const { identity, url, server } = await bench();
    server.behave = (__, response) => refuse(response, 'use_dpop_nonce', headers);
    expect((await identity.fetch(url)).status).toBe(401);
    expect(server.seen).toHaveLength(requests);
    // By now the nonce that it has to give is known.
    expect((await identity.fetch(url)).status).toBe(401);
    expect(server.seen).toHaveLength(requests + 1);
  });

  test('one that gives another nonce with every 401 is asked twice', async () => {
    const { identity, url, server } = await bench();
    server.behave = (_, response) => refuse(response, 'use_dpop_nonce', { 'dpop-nonce': `n${server.seen.length}` });
    expect((await identity.fetch(url)).status).toBe(401);
    expect(server.seen).toHaveLength(2);
  });

  test('one that refuses every token does not make every call a mint', async () => {
    const { fake, identity, url, server } = await bench();
    server.behave = (_, response) => refuse(response, 'invalid_token');
    for (let i = 0; i < 20; i++) expect((await identity.fetch(url)).status).toBe(401);
    expect(fake.seen.filter(({ path }) => path === '/token').length).toBeLessThanOrEqual(2);
    expect(server.seen).toHaveLength(21);
  });

  test('one that blames the proof without a clock that is off is asked once', async () => {
    const { identity, url, server } = await bench();
    server.behave = (_, response) => refuse(response, 'invalid_dpop_proof');
    expect((await identity.fetch(url)).status).toBe(401);
    expect(server.seen).toHaveLength(1);
  });

  test.each(['Bearer error="use_dpop_nonce"', 'DPoP', '%%%', 'Bearer realm="DPoP error=\\"use_dpop_nonce\\""'])(
    'a challenge that is not ours is no reason to repeat: %s',
    async (challenge) => {
      const { identity, url, server } = await bench();
      server.behave = (_, response) =>
        Boolean(response.writeHead(401, { 'www-authenticate': challenge, 'dpop-nonce': 'n' }).end());
      expect((await identity.fetch(url)).status).toBe(401);
      expect(server.seen).toHaveLength(1);
    },
  );
});

describe('reference 3.7: what is corrected', () => {
  test.each([600_000, -600_000])('a clock that is %i ms off is corrected by Date, once', async (offsetMs) => {
    const { identity, url, server } = await bench();
    server.clockOffsetMs = offsetMs;
    expect((await identity.fetch(url)).status).toBe(200);
    expect((await identity.fetch(url)).status).toBe(200);
    expect(server.seen).toHaveLength(3);
  });

  test('a token that is no longer good is dropped, and another one sent once', async () => {
    const { fake, identity, url, server } = await bench();
    const first = await identity.credential('ledger-api', 'access-token');
    const stale = `DPoP ${first.token.reveal()}`;
    fake.rotate();
    server.behave = ({ headers }, response) => headers.authorization === stale && refuse(response, 'invalid_token');
    fake.options.intercept = ({ path }) => {
      if (path === '/token') for (const id of fake.leases) fake.forget(id);
      return undefined;
    };
    expect((await identity.fetch(url, { method: 'POST', body: 'x' })).status).toBe(200);
    expect([server.seen.length, fake.mints]).toEqual([2, 2]);
  });

  test('nonce, clock and token may each be corrected in one call', async () => {
    const { fake, identity, url, server } = await bench();
    const steps: ((request: ApiRequest, response: ServerResponse) => true)[] = [
      (_, response) => refuse(response, 'use_dpop_nonce', { 'dpop-nonce': 'n1' }),
      (_, response) => refuse(response, 'invalid_dpop_proof', { date: new Date(Date.now() + 60_000).toUTCString() }),
      (_, response) => refuse(response, 'invalid_token'),
      (_, response) => (response.writeHead(204).end(), true),
    ];
    server.behave = (request, response) => steps.shift()!(request, response);
    expect((await identity.fetch(url)).status).toBe(204);
    expect(fake.seen.filter(({ path }) => path === '/token')).toHaveLength(2);
  });

  test('a one-shot body is sent once: the API\u2019s own 401 is the answer, and what was learned serves the next call', async () => {
    const { identity, url, server } = await bench();
    server.clockOffsetMs = 600_000;
    const body = new Blob(['x']).stream();
    expect((await identity.fetch(url, { method: 'POST', body, duplex: 'half' })).status).toBe(401);
    expect((await identity.fetch(url)).status).toBe(200);
  });
});

test('a request that is repeated is told on a channel, with nothing secret in it', async () => {
  const { identity, url, server } = await bench();
  server.nonces = true;
  const messages: unknown[] = [];
  const listen = (message: unknown): number => messages.push(message);
  channel('tallystick:request:retried').subscribe(listen);
  onTestFinished(() => {
    channel('tallystick:request:retried').unsubscribe(listen);
  });
  await identity.fetch(url);
  expect(messages).toEqual([{ origin: server.origin, reason: 'nonce' }]);
});

function nonceIn(proof: string): string | undefined {
  return (JSON.parse(Buffer.from(proof.split('.')[1]!, 'base64url').toString()) as { nonce?: string }).nonce;
}
