import { createPublicKey, verify, type JsonWebKey } from 'node:crypto';
import { createVerifier } from '@tallystick/resource-server';
import { connect } from '@tallystick/sdk';
import * as oauth from 'oauth4webapi';
import { AUDIENCE, ISSUER } from '../../daemon/daemon.ts';
import { startBundle } from '../../daemon/bundle.ts';
import { figure } from '../figure.ts';
import { interleave, timeAwaited, timeCalls } from '../interleave.ts';
import type { Measurement } from '../measurement.ts';
import { median, medianRatio } from '../statistics.ts';

const PATH = '/journal';
const URL_ = `${AUDIENCE}${PATH}`;

/** Verifying one request whose token was seen before, with a proof that was not. */
export const verification: Measurement = {
  name: 'verification',
  async measure(effort) {
    const [rounds, calls] = effort === 'full' ? [60, 300] : [5, 30];
    await using daemon = await startBundle();
    await using identity = await connect({ socket: daemon.socket });
    const jwks = `${daemon.publicUrl}/jwks`;
    using verifier = createVerifier({
      issuers: [{ issuer: ISSUER, jwks, subjects: ['spiffe://acme.example/payments/'] }],
      audience: AUDIENCE,
      publicOrigins: [AUDIENCE],
    });
    const server = { issuer: ISSUER, jwks_uri: `${ISSUER}/jwks` };
    // Called once: oauth4webapi keeps the keys.
    const options = { requireDPoP: true, [oauth.customFetch]: () => fetch(jwks) };

    // Made before each sample: a proof is good once, and a Request object costs more than reading one of Node.
    let pool: { authorization: string; dpop: string }[] = [];
    const refill = async (): Promise<void> => {
      pool = await Promise.all(Array.from({ length: calls }, () => identity.authorize({ method: 'GET', url: URL_ })));
    };
    const times = await interleave(
      {
        ours: async () => {
          await refill();
          const requests = pool.map(({ authorization, dpop }) => ({
            method: 'GET',
            url: PATH,
            rawHeaders: ['Host', 'ledger.acme.example', 'Authorization', authorization, 'DPoP', dpop, 'Accept', '*/*'],
          }));
          return timeAwaited(calls, (i) => verifier.verify(requests[i]!));
        },
        verify: async () => {
          await refill();
          const parts = pool.map(({ dpop }) => signatureOf(dpop));
          return timeCalls(calls, (i) => {
            const { input, signature, key } = parts[i]!;
            if (!verify('sha256', input, { key, dsaEncoding: 'ieee-p1363' }, signature))
              throw new Error('not verified');
          });
        },
        oauth4webapi: async () => {
          await refill();
          const requests = pool.map((headers) => new Request(URL_, { headers }));
          return timeAwaited(calls, (i) => oauth.validateJwtAccessToken(server, requests[i]!, AUDIENCE, options));
        },
      },
      { rounds, warmUp: Math.ceil(rounds / 4) },
    );
    const against = (peer: 'verify' | 'oauth4webapi', of: string) => ({
      name: `verification/${peer}`,
      what: '`verifier.verify`, token seen before',
      unit: 'µs' as const,
      ours: median(times.ours),
      peer: { of, value: median(times[peer]) },
      ratio: medianRatio(times.ours, times[peer]),
    });
    return [
      figure({ ...against('verify', '`crypto.verify`'), goal: { ratioAtMost: 1.4 } }),
      figure({ ...against('oauth4webapi', 'oauth4webapi `validateJwtAccessToken`'), goal: { ratioAtMost: 0.2 } }),
    ];
  },
};

let imported: ReturnType<typeof createPublicKey> | undefined;

function signatureOf(proof: string) {
  const [header = '', payload = '', signature = ''] = proof.split('.');
  const { jwk } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { jwk: JsonWebKey };
  return {
    input: Buffer.from(`${header}.${payload}`, 'latin1'),
    signature: Buffer.from(signature, 'base64url'),
    key: (imported ??= createPublicKey({ key: jwk, format: 'jwk' })),
  };
}
