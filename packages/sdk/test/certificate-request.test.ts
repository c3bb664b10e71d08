import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dotted, read } from '../../core/test/read-der.ts';
import { certificateRequest } from '../src/certificate-request.ts';
import { onPath } from './on-path.ts';

describe('a certificate request', () => {
  test('has the key, no names and no attributes, and is signed by that key, whatever the key (RFC 2986 §4)', () => {
    fc.assert(
      fc.property(fc.constant(undefined), () => {
        const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        const [request] = read(certificateRequest(privateKey));
        const [information, algorithm, signature] = read(request!.content);
        const [version, subject, key, attributes, ...none] = read(information!.content);
        expect([...version!.content]).toEqual([0]);
        expect([subject!.tag, subject!.content.length]).toEqual([0x30, 0]);
        expect([attributes!.tag, attributes!.content.length, none]).toEqual([0xa0, 0, []]);
        expect(dotted(read(algorithm!.content)[0]!.content)).toBe('1.2.840.10045.4.3.2');
        const publicKey = createPublicKey({ key: key!.whole, format: 'der', type: 'spki' });
        expect(publicKey.equals(createPublicKey(privateKey))).toBe(true);
        expect(verify('sha256', information!.whole, publicKey, signature!.content.subarray(1))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test.skipIf(!onPath('openssl'))('is one to openssl', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const verified = execFileSync('openssl', ['req', '-inform', 'DER', '-verify', '-text', '-noout'], {
      input: certificateRequest(createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }))),
      stdio: 'pipe',
    }).toString();
    expect(verified).toMatch(/Subject: *\n/);
    expect(verified).toMatch(/prime256v1/);
  });
});
