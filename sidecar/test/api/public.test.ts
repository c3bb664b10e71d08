import { parseRevocationList } from '@tallystick/core';
import { serverMetadata } from '@tallystick/protocol';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { describe, expect, test } from 'vitest';
import { jwkSet } from '../../src/issuer/jwks.ts';
import { ISSUER } from '../acme.ts';
import { serveSidecar, type ServedSidecar } from './served-sidecar.ts';

const jti = (value: string) => ({ kind: 'jti' as const, value, until: 4_000_000_000 });
async function list(own: ServedSidecar, headers = {}): Promise<{ status: number; body: string; etag: string }> {
  const { status, body, headers: given } = (await own.sidecar.public('/revocations', headers))!;
  return { status, body: String(body), etag: given!.etag! };
}
async function linesOf(own: ServedSidecar, jwt: string): Promise<string[]> {
  const { payload } = await jwtVerify(jwt, createLocalJWKSet(jwkSet(own.signer.keys()) as JSONWebKeySet), {
    issuer: ISSUER,
    typ: 'tallystick-revocations+jwt',
    currentDate: new Date(own.time.nowMs()),
  });
  return parseRevocationList(payload).revoked.map(({ value }) => value);
}

describe('the public listener', () => {
  test('gives the metadata, the keys, and nothing of the workload or admin sockets', async () => {
    const own = await serveSidecar();
    const metadata = (await own.sidecar.public('/.well-known/oauth-authorization-server', {}))!;
    expect(JSON.parse(String(metadata.body))).toEqual(JSON.parse(JSON.stringify(serverMetadata(ISSUER))));
    const keys = (await own.sidecar.public('/jwks', {}))!;
    expect([keys.type, JSON.parse(String(keys.body))]).toEqual(['application/jwk-set+json', jwkSet(own.signer.keys())]);
    for (const path of ['/token', '/v1/identity', '/v1/status', '/introspect', '/metrics', '/', '/jwks/', '']) {
      expect(await own.sidecar.public(path, {})).toBeUndefined();
    }
  });
});

describe('the revocation list', () => {
  test('is signed, and says at once what was taken back', async () => {
    const own = await serveSidecar();
    expect(await linesOf(own, (await list(own)).body)).toEqual([]);
    const durable = own.standing.revoke([jti('ls_1')]);
    expect(await linesOf(own, (await list(own)).body)).toEqual(['ls_1']);
    await durable;
  });

  test('is not sent again to who has it, by its ETag, weak or among others (RFC 9110 §13.1.2)', async () => {
    const own = await serveSidecar();
    const { etag } = await list(own);
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`, ` ${etag} ,"y"`]) {
      expect(await list(own, { 'if-none-match': known })).toEqual({ status: 304, body: '', etag });
    }
    for (const known of ['"x"', etag.slice(1), ''])
      expect((await list(own, { 'if-none-match': known })).status).toBe(200);
    await own.standing.revoke([jti('ls_1')]);
    const changed = await list(own, { 'if-none-match': etag });
    expect([changed.status, changed.etag === etag]).toEqual([200, false]);
  });

  test('is signed anew when it is half old, when the key changes, and not otherwise', async () => {
    let signed = 0;
    const own = await serveSidecar({
      signer: (signer) => ({ ...signer, sign: (typ, claims) => (signed++, signer.sign(typ, claims)) }),
    });
    for (let i = 0; i < 10; i++) await list(own);
    expect(signed).toBe(1);
    own.time.advance(149_000);
    await list(own);
    expect(signed).toBe(1);
    own.time.advance(1000);
    await list(own);
    expect(signed).toBe(2);
    await own.signer.rotate(async () => {});
    await list(own);
    expect(signed).toBe(3);
  });

  test('is signed anew after the clock was set back, and so never lies far in the future', async () => {
    const own = await serveSidecar();
    own.time.jump(600_000);
    await list(own);
    own.time.jump(-600_000);
    expect(await linesOf(own, (await list(own)).body)).toEqual([]);
    const claims = JSON.parse(Buffer.from((await list(own)).body.split('.')[1]!, 'base64url').toString()) as {
      iat: number;
    };
    expect(claims.iat).toBe(Math.floor(own.time.nowMs() / 1000));
  });

  test('that could not be signed is signed at the next request', async () => {
    let away = true;
    const own = await serveSidecar({
      signer: (signer) => ({
        ...signer,
        sign: (typ, claims) => (away ? Promise.reject(new Error('away')) : signer.sign(typ, claims)),
      }),
    });
    await expect(list(own)).rejects.toThrow('away');
    away = false;
    expect((await list(own)).status).toBe(200);
  });
});

describe('the health listener', () => {
  test('is alive, started and ready while records can be written, and says so to probes', async () => {
    const own = await serveSidecar();
    const status = (path: string) => own.sidecar.health(path)?.status;
    expect(['/livez', '/startupz', '/readyz', '/metrics'].map(status)).toEqual([200, 200, 200, 200]);
    own.recorder.fail();
    expect(['/livez', '/startupz', '/readyz', '/metrics'].map(status)).toEqual([200, 503, 503, 200]);
    expect(own.sidecar.health('/metrics')?.body).toContain('\ntallystick_record_writable 0\n');
    for (const path of ['/', '/livez/', '/jwks', '/v1/status']) expect(own.sidecar.health(path)).toBeUndefined();
  });

  test('is not ready any more when the sidecar stops', async () => {
    const own = await serveSidecar();
    await own.sidecar.stop();
    expect(own.sidecar.health('/readyz')?.status).toBe(503);
    expect(own.sidecar.health('/livez')?.status).toBe(200);
  });
});
