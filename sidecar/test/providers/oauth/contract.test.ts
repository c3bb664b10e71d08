import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@tallystick/core';
import { createProof, generateHolderKey } from '@tallystick/dpop';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll } from 'vitest';
import { oauthKind } from '../../../src/providers/oauth.ts';
import { providerContract } from '../contract.ts';
import type { Subject } from '../subject.ts';
import { authorizationServer, CLIENT_SECRET, type AuthorizationServer } from './authorization-server.ts';
import { LEDGER } from './opened-oauth.ts';

const folder = mkdtempSync(join(tmpdir(), 'tallystick-oauth-'));
const secretFile = join(folder, 'secret');
const key = await generateHolderKey();
let server: AuthorizationServer;

beforeAll(async () => {
  writeFileSync(secretFile, CLIENT_SECRET, { mode: 0o600 });
  server = await authorizationServer({ clock: systemClock });
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const COMMON: Omit<Subject, 'title' | 'settings' | 'credential' | 'namesLease'> = {
  kind: oauthKind,
  serverUrl: () => server.url,
  sign: (...parts) => server.sign(...parts),
  applicant: () => ({
    upstreamProof: createProof(key, {
      method: 'POST',
      url: server.tokenEndpoint,
      iat: systemClock.nowMs() / 1000,
    }),
  }),
  makes: ({ method, path }) => method === 'POST' && path === '/realms/prod/token',
  deny: async () => {
    server.answer = () => ({ status: 400, body: { error: 'invalid_scope' } });
    return async () => {
      server.answer = () => undefined;
    };
  },
  accepted: async ({ material }) => decodeJwt((material as { token: string }).token).iss === server.issuer,
  secrets: () => [CLIENT_SECRET, 'canary-description', 'canary-refresh-token'],
  cannot: {
    keep: 'a token ends by itself, and nothing else is left of it',
    session: 'the client proves itself with each request',
    renew: 'a token is replaced, never extended',
    revoke: 'a token ends by itself: RFC 7009 has servers that forget it and APIs that do not ask',
  },
};

providerContract({
  ...COMMON,
  title: 'oauth, client credentials by private_key_jwt',
  settings(url) {
    server.publishAt(url);
    return { type: 'oauth', issuer: server.issuer, client: { id: 'close-batch' } };
  },
  credential: { audience: LEDGER, scope: 'journal.write' },
  namesLease: async (leaseId) =>
    server.requests.some(({ form }) => decodeJwt(form.client_assertion ?? '').jti === `${leaseId}-client`),
});

providerContract({
  ...COMMON,
  title: 'oauth, token exchange by client_secret_basic',
  settings(url) {
    server.publishAt(url);
    return {
      type: 'oauth',
      issuer: server.issuer,
      client: { id: 'close-batch', authentication: 'client_secret_basic', secretFile },
    };
  },
  credential: { audience: LEDGER, scope: 'journal.write', grant: 'token_exchange' },
  namesLease: async (leaseId) => {
    const subjects = server.requests.flatMap(({ form }) => form.subject_token ?? []);
    return subjects.some((token) => decodeJwt(token).jti === leaseId);
  },
});
