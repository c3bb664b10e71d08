import { createPrivateKey, sign, type JsonWebKey } from 'node:crypto';
import { createProof, holderKey } from '@tallystick/dpop';
import * as dpop from 'dpop';
import { calculateJwkThumbprint, exportJWK, SignJWT } from 'jose';
import { figure } from '../figure.ts';
import { interleave, timeAwaited, timeCalls } from '../interleave.ts';
import type { Measurement } from '../measurement.ts';
import { median, medianRatio } from '../statistics.ts';

const METHOD = 'POST';
const URL_ = 'https://ledger.acme.example/journal/entries';
const NONCE = 'bm9uY2Utb2YtMjQtY2hhcmFj';
const TOKEN = 'e'.repeat(900);

/** Making one proof, with a nonce and the hash of a token, by one key. */
export const proofCreation: Measurement = {
  name: 'proof-creation',
  async measure(effort) {
    const [rounds, calls] = effort === 'full' ? [60, 500] : [5, 50];
    const pair = await dpop.generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(pair.privateKey);
    const privateKey = createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' });
    const key = holderKey(privateKey, 'ES256');
    if (key.jkt !== (await calculateJwkThumbprint(jwk))) throw new Error('the candidates do not sign with one key');

    const ours = (): string =>
      createProof(key, { method: METHOD, url: URL_, iat: Date.now() / 1000, nonce: NONCE, accessToken: TOKEN });
    const input = Buffer.from(ours().slice(0, ours().lastIndexOf('.')), 'latin1');
    const publicJwk = await exportJWK(pair.publicKey);
    const ath = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(TOKEN))).toString('base64url');
    const byJose = (): Promise<string> =>
      new SignJWT({ jti: crypto.randomUUID(), htm: METHOD, htu: URL_, nonce: NONCE, ath })
        .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: publicJwk })
        .setIssuedAt()
        .sign(pair.privateKey);

    const times = await interleave(
      {
        ours: () => timeCalls(calls, ours),
        sign: () => timeCalls(calls, () => sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
        dpop: () => timeAwaited(calls, () => dpop.generateProof(pair, URL_, METHOD, NONCE, TOKEN)),
        jose: () => timeAwaited(calls, byJose),
      },
      { rounds, warmUp: Math.ceil(rounds / 4) },
    );
    const against = (peer: 'sign' | 'dpop' | 'jose', of: string) => ({
      name: `proof-creation/${peer}`,
      what: 'one proof, made',
      unit: 'µs' as const,
      ours: median(times.ours),
      peer: { of, value: median(times[peer]) },
      ratio: medianRatio(times.ours, times[peer]),
    });
    return [
      figure({ ...against('sign', '`crypto.sign`'), goal: { ratioAtMost: 1.3 } }),
      figure({ ...against('dpop', '`dpop`'), goal: { ratioAtMost: 0.2 } }),
      figure(against('jose', 'jose `SignJWT`')),
    ];
  },
};
