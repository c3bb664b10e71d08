import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { DER } from '@tallystick/core';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { commonName } from '../../../src/providers/ca/certificate.ts';
import type { MintOrder } from '../../../src/providers/provider.ts';
import { temporaryFolder } from '../../listen/temporary-folder.ts';
import { manualTime } from '../../manual-time.ts';
import { inMemory, LEASE, newKey, openedCa, OWN_ROOTS, requestOf, workloadKey } from './opened-ca.ts';

describe('a certificate', () => {
  test('says who it is for, by whom, until when, and under which lease', async () => {
    const { mint, time } = await openedCa();
    const { certificate, serial } = await mint();
    const read = new X509Certificate(certificate);
    expect(read.subject).toBe(`CN=${LEASE}`);
    expect(read.subjectAltName).toBe('URI:spiffe://acme.example/close-batch, DNS:batch.acme.example');
    expect(read.serialNumber.toLowerCase()).toBe(serial);
    expect(read.ca).toBe(false);
    expect(read.publicKey.equals(workloadKey.publicKey)).toBe(true);
    expect(Date.parse(read.validTo)).toBe(Math.floor(time.nowMs() / 1000) * 1000 + 3_600_000);
  });

  test('takes part in a handshake on both sides, as the identity that it names', async () => {
    const time = manualTime();
    time.jump(Date.now() - time.nowMs());
    const { mint } = await openedCa(OWN_ROOTS, inMemory(), time);
    const { certificate, authorities } = await mint();
    const key = workloadKey.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
    const server = createServer({
      cert: certificate,
      key,
      ca: authorities,
      requestCert: true,
      rejectUnauthorized: true,
    });
    onTestFinished(() => void server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as { port: number };
    const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    const client = connect({
      port,
      host: '127.0.0.1',
      cert: certificate,
      key,
      ca: authorities,
      servername: 'batch.acme.example',
    });
    await once(client, 'secureConnect');
    const [socket] = await accepted;
    expect([client.authorized, socket.authorized]).toEqual([true, true]);
    expect(socket.getPeerX509Certificate()!.subjectAltName).toContain('URI:spiffe://acme.example/close-batch');
    client.destroy();
    socket.destroy();
  });

  test('ends with its authority at the latest', async () => {
    const { mint, time } = await openedCa();
    await mint();
    const { certificate } = await mint(undefined, { lifetimeMs: 400 * 86_400_000 });
    expect(Date.parse(new X509Certificate(certificate).validTo)).toBeLessThanOrEqual(time.nowMs() + 365 * 86_400_000);
  });
});

describe('a request is refused', () => {
  const other = newKey();
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const spelledOut = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' });
  test.each<[string, Buffer | undefined]>([
    ['that is missing', undefined],
    ['that is empty', Buffer.alloc(0)],
    ['that names a subject', requestOf(workloadKey, { subject: commonName('admin') })],
    [
      'that asks for attributes',
      requestOf(workloadKey, { attributes: DER.tagged(0, DER.utf8String('x'), 'constructed') }),
    ],
    ['that another key has signed', requestOf(workloadKey, { signer: other.privateKey })],
    ['for a key on another curve', requestOf(p384)],
    ['for a key whose curve is spelled out, which no certificate may (RFC 5480 §2.1.1)', requestOf(spelledOut)],
    ['with something after it', Buffer.concat([requestOf(workloadKey), Buffer.of(0)])],
  ])('%s', async (_title, csr) => {
    const { provider } = await openedCa();
    const order = { applicant: { jkt: 'key', csr } } as MintOrder;
    expect(() => provider.requireApplicant!(order)).toThrow(expect.objectContaining({ code: 'csr_refused' }));
  });

  test('that is changed in any byte', async () => {
    const { provider } = await openedCa();
    const whole = requestOf(workloadKey);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const csr = Buffer.from(whole);
        csr[at]! ^= flip;
        const order = { applicant: { jkt: 'key', csr } } as MintOrder;
        expect(() => provider.requireApplicant!(order)).toThrow(expect.objectContaining({ code: 'csr_refused' }));
      }),
      { numRuns: 500 },
    );
  });
});

describe('roots of its own', () => {
  const DAY = 86_400_000;

  test('are made once, however many ask at once, and are the same after a restart', async () => {
    const [memory, time] = [inMemory(), manualTime()];
    const { mint } = await openedCa(OWN_ROOTS, memory, time);
    const bundles = await Promise.all(Array.from({ length: 20 }, () => mint()));
    expect(new Set(bundles.map(({ authorities }) => authorities)).size).toBe(1);
    const { mint: again } = await openedCa(OWN_ROOTS, memory, time);
    expect((await again()).authorities).toBe(bundles[0]!.authorities);
  });

  test('are followed by the next, which is in bundles for longer than any certificate lives before it signs', async () => {
    const { mint, time } = await openedCa();
    const first = await mint();
    time.advance(250 * DAY);
    const announced = await mint();
    expect(announced.authorities.startsWith(first.authorities)).toBe(true);
    const [old, next] = announced.authorities
      .split(/(?<=-----END CERTIFICATE-----\n)/)
      .map((pem) => new X509Certificate(pem));
    const signedBy = ({ certificate }: { certificate: string }) =>
      [old!, next!].findIndex((root) => new X509Certificate(certificate).verify(root.publicKey));
    expect(signedBy(announced)).toBe(0);
    time.advance(9 * DAY);
    expect(signedBy(await mint())).toBe(1);
    time.advance(110 * DAY);
    expect((await mint()).authorities).toBe(announced.authorities.slice(first.authorities.length));
  });
});

describe('an authority that was given', () => {
  test('that is not there, or whose key is another, is told in words without a byte of it', async () => {
    const folder = temporaryFolder();
    const [certificate, key] = [join(folder, 'ca.pem'), join(folder, 'ca.key')];
    const { provider } = await openedCa({ type: 'ca', certificate, key, authorities: undefined });
    const found = () => provider.check({}, new AbortController().signal);
    expect(await found()).toMatchObject([{ ok: false, message: expect.stringContaining('ENOENT') as string }]);
    writeFileSync(certificate, 'canary-certificate');
    writeFileSync(key, 'canary-key');
    const [finding] = await found();
    expect(finding!.ok).toBe(false);
    expect(JSON.stringify(finding)).not.toContain('canary');
  });
});
