import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { TallystickError } from '@tallystick/core';
import { generateHolderKey } from '@tallystick/dpop';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemRuntime, type Runtime } from '../src/runtime.ts';
import { SidecarClient } from '../src/sidecar-client.ts';
import { CLOSE_BATCH, type FakeSidecar } from './fake-sidecar.ts';
import { manualTime } from './manual-time.ts';
import { sidecar } from './setup.ts';

async function client(fake: FakeSidecar, runtime: Partial<Runtime> = {}, identity?: string): Promise<SidecarClient> {
  const made = new SidecarClient(
    { ...systemRuntime(), ...runtime },
    fake.socketPath,
    await generateHolderKey(),
    identity,
  );
  onTestFinished(() => made.close());
  return made;
}

const code = (expected: string) => expect.objectContaining({ code: expected });
const ASK = { audience: 'https://ledger.acme.example', scope: 'journal.write', process: undefined, headers: {} };
const routes = (fake: FakeSidecar): string[] => fake.seen.map(({ method, path }) => `${method} ${path}`);

describe('DESIGN §4.4: nonces', () => {
  test('the nonce of any answer goes into the next proof: the steady state costs no extra round trip', async () => {
    const fake = await sidecar();
    const made = await client(fake);
    await made.identity();
    await made.token(ASK);
    await made.token(ASK);
    expect(routes(fake)).toEqual([
      'GET /.well-known/oauth-authorization-server',
      'GET /v1/identity',
      'POST /token',
      'POST /token',
    ]);
  });

  test('a nonce that is no longer good is replaced, once', async () => {
    const fake = await sidecar();
    const made = await client(fake);
    await made.identity();
    fake.forgetNonces();
    await made.token(ASK);
    expect(fake.mints).toBe(1);
  });

  test('a sidecar that asks for a nonce again and again is asked twice', async () => {
    const fake = await sidecar();
    const made = await client(fake);
    await made.identity();
    let asked = 0;
    fake.options.intercept = () => {
      asked++;
      fake.forgetNonces();
      return new TallystickError('use_dpop_nonce', 'another');
    };
    await expect(made.token(ASK)).rejects.toEqual(code('use_dpop_nonce'));
    expect(asked).toBe(2);
  });

  test('two DPoP-Nonce headers are no nonce', async () => {
    const fake = await sidecar();
    const made = await client(fake);
    await made.identity();
    fake.options.intercept = () => ({
      status: 400,
      body: '{"error":"use_dpop_nonce"}',
      headers: { 'dpop-nonce': 'a, b' },
    });
    await expect(made.token(ASK)).rejects.toEqual(code('use_dpop_nonce'));
    expect(fake.seen.at(-1)!.proof!.nonce).not.toContain(',');
  });
});

describe('reference 3.7: what is corrected, once each', () => {
  test('a proof refused for its time: the offset is taken from Date, and sent from then on', async () => {
    const fake = await sidecar();
    const made = await client(fake);
    await made.identity();
    const offsetMs = 600_000;
    fake.options.clock = { nowMs: () => Date.now() + offsetMs };
    fake.options.intercept = ({ proof }) =>
      Math.abs(proof!.iat * 1000 - Date.now() - offsetMs) > 10_000
        ? new TallystickError('invalid_proof', 'iat')
        : undefined;
    await made.token(ASK);
    await made.token(ASK);
    expect(routes(fake).filter((route) => route === 'POST /token')).toHaveLength(3);
  });

  test('a proof refused for nothing that can be corrected is not repeated', async () => {
    const fake = await sidecar();
    const made = await client(fake);
    await made.identity();
    fake.options.intercept = ({ path }) => (path === '/token' ? new TallystickError('invalid_proof', 'no') : undefined);
    await expect(made.token(ASK)).rejects.toEqual(code('invalid_proof'));
    expect(routes(fake).filter((route) => route === 'POST /token')).toHaveLength(1);
  });

  test('a sidecar that came back with another issuer URL: htu follows it', async () => {
    const fake = await sidecar();
    const made = await client(fake);
    await made.identity();
    fake.options.issuer = 'https://renamed.acme.example/issuer';
    await made.token(ASK);
    expect(fake.seen.at(-1)!.proof!.htu).toBe('https://renamed.acme.example/issuer/token');
  });
});

describe('a sidecar that goes away', () => {
  test('a connection that dies without an answer: the request is repeated once, on a new connection, with a new proof', async () => {
    const fake = await sidecar();
    const made = await client(fake);
    await made.identity();
    let times = 0;
    fake.options.intercept = () => (times++ === 0 ? 'destroy' : undefined);
    await made.token(ASK);
    const [first, second] = fake.seen.slice(-2);
    expect(first!.proof!.jti).not.toBe(second!.proof!.jti);
  });

  test('one that dies twice is unavailable, which is retryable', async () => {
    const fake = await sidecar();
    const made = await client(fake);
    await made.identity();
    fake.options.intercept = () => 'destroy';
    await expect(made.token(ASK)).rejects.toMatchObject({ code: 'sidecar_unavailable', retryable: true });
    expect(routes(fake).filter((route) => route === 'POST /token')).toHaveLength(2);
  });

  test('one that is being restarted gets a moment, after which it is found', async () => {
    const fake = await sidecar();
    let waited = 0;
    const made = await client(fake, { pause: (ms) => ((waited = ms), fake.up()) });
    await made.identity();
    await fake.down();
    await made.token(ASK);
    expect(waited).toBeGreaterThanOrEqual(100);
    expect(waited).toBeLessThan(250);
  });

  test('one that stays away is unavailable, with the remedy', async () => {
    const fake = await sidecar();
    const made = await client(fake);
    await fake.down();
    await expect(made.identity()).rejects.toThrow(/^sidecar_unavailable: .*start the sidecar/);
  });

  test('a socket that this user may not write to is told apart from one that nobody serves', async () => {
    const fake = await sidecar();
    const refused = Object.assign(new Error('connect EACCES'), { code: 'EACCES' });
    const made = await client(fake, {
      transport: () => ({ send: () => Promise.reject(refused), close: () => {} }),
      pause: async () => {},
    });
    await expect(made.identity()).rejects.toThrow(/failed: EACCES; let this user write to the socket/);
  });

  test('one that does not answer is given up after the deadline', async () => {
    const fake = await sidecar();
    const { clock, timers, advance } = manualTime();
    const made = await client(fake, { clock, timers });
    await made.identity();
    fake.options.intercept = () => 'hang';
    const asked = made.token(ASK);
    await fake.until(() => routes(fake).includes('POST /token'));
    advance(10_000);
    await expect(asked).rejects.toThrow(/did not answer within 10 s/);
  });
});

describe('whom the sidecar says we are', () => {
  test('the identity that was asked for is named on every /v1 route, and as client_id on /token', async () => {
    const fake = await sidecar({ identities: [{ ...CLOSE_BATCH, id: 'spiffe://acme.example/other' }, CLOSE_BATCH] });
    const made = await client(fake, {}, CLOSE_BATCH.id);
    await made.identity();
    await made.token(ASK);
    const [, identity, token] = fake.seen;
    expect(identity!.headers['tallystick-identity']).toBe(CLOSE_BATCH.id);
    expect(token!.token!.clientId).toBe(CLOSE_BATCH.id);
    expect(token!.headers).not.toHaveProperty('tallystick-identity');
  });

  test('without one, the first answer pins it', async () => {
    const fake = await sidecar();
    const made = await client(fake);
    await made.identity();
    fake.options.identities = [{ ...CLOSE_BATCH, id: 'spiffe://acme.example/other' }];
    await expect(made.token(ASK)).rejects.toEqual(code('identity_mismatch'));
  });

  test('a lying sidecar that answers for another identity is refused', async () => {
    const fake = await sidecar({
      tamper: (path, body) => (path === '/v1/identity' ? { ...body, id: 'spiffe://acme.example/other' } : body),
    });
    const made = await client(fake, {}, CLOSE_BATCH.id);
    await expect(made.identity()).rejects.toEqual(code('identity_mismatch'));
  });

  test.each([
    ['no JSON', () => ({ status: 200, body: '<html>' })],
    [
      'an id that is no SPIFFE ID',
      () => ({ status: 200, body: JSON.stringify({ ...CLOSE_BATCH, id: 'close-batch' }) }),
    ],
    ['a redirect', () => ({ status: 302, body: '', headers: { location: 'http://evil.example/' } })],
    ['an error without an OAuth error', () => ({ status: 500, body: 'oops canary-body' })],
  ])('%s is a protocol error that repeats nothing of the body', async (_, answer) => {
    const fake = await sidecar({ intercept: ({ path }) => (path === '/v1/identity' ? answer() : undefined) });
    const made = await client(fake);
    await expect(made.identity()).rejects.toMatchObject({
      code: 'protocol_error',
      message: expect.not.stringContaining('canary'),
    });
  });

  test.each(['ftp://x', 'not a url', 'https://user@x'])(
    'an issuer that can have no proof is a protocol error: %s',
    async (issuer) => {
      const fake = await sidecar({ tamper: (_, body) => ({ ...body, issuer }) });
      const made = await client(fake);
      await expect(made.identity()).rejects.toEqual(code('protocol_error'));
    },
  );

  test('an answer that does not end is cut off', async () => {
    const fake = await sidecar({
      intercept: ({ path }) =>
        path === '/v1/identity' ? { status: 200, body: ' '.repeat(5 * 1024 * 1024) } : undefined,
    });
    const made = await client(fake);
    await expect(made.identity()).rejects.toThrow(/longer than 4 MiB/);
  });

  test('a token that is not bound is refused (RFC 9449 §5)', async () => {
    const fake = await sidecar({
      tamper: (path, body) => (path === '/token' ? { ...body, token_type: 'Bearer' } : body),
    });
    const made = await client(fake);
    await made.identity();
    await expect(made.token(ASK)).rejects.toEqual(code('protocol_error'));
  });
});

test('the sidecar is asked what for, for which process, and with the trace of the caller', async () => {
  const fake = await sidecar();
  const made = await client(fake);
  await made.identity();
  const traceparent = '00-11111111111111111111111111111111-2222222222222222-01';
  await made.token({ ...ASK, process: { id: 'BP-1042', run: 'r-7', ticket: 'CHG-1' }, headers: { traceparent } });
  const { token, headers } = fake.seen.at(-1)!;
  expect(token).toMatchObject({
    resource: ASK.audience,
    scope: ['journal.write'],
    context: { id: 'BP-1042', run: 'r-7', ticket: 'CHG-1' },
  });
  expect(headers).toMatchObject({ traceparent, host: 'localhost' });
});

test('letting go of a lease that has ended is no error', async () => {
  const fake = await sidecar();
  const made = await client(fake);
  await made.identity();
  const { leaseId } = await made.token(ASK);
  await made.letGo(leaseId);
  await made.letGo(leaseId);
  expect(fake.leases).toEqual([]);
});

test('the socket is looked at before every request, so that one that was replaced is not spoken to', async () => {
  const fake = await sidecar();
  const made = await client(fake);
  await made.identity();
  const before = fake.seen.length;
  chmodSync(dirname(fake.socketPath), 0o777);
  await expect(made.token(ASK)).rejects.toEqual(code('socket_untrusted'));
  expect(fake.seen).toHaveLength(before);
});
