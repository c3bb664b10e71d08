import { randomBytes } from 'node:crypto';
import type { ErrorCode } from '@tallystick/core';
import type { FaultProxy, ProxiedRequest, Weather } from '../../sidecar/test/providers/fault-proxy.ts';
import type { Canary } from './leaks.ts';

/** Stands in every body that comes in the place of an answer, or behind one. */
const CANARY = randomBytes(32);
const TEXT = CANARY.toString('base64url');
const PAGE = `<!doctype html><title>Sign in</title><form action="/login">${TEXT}</form>`;
const HTML = { 'content-type': 'text/html' };
const MORE = `${' '.repeat(10_000_000)}${TEXT}`;
/** A call of an upstream is cut off after twenty seconds. */
export const TOO_LATE_MS = 21_000;

/** True for the request by which Vault's database engine makes a login. */
export function isLoginMade({ path }: ProxiedRequest): boolean {
  return path.startsWith('/v1/database/creds/');
}

/** Returns what nobody may repeat: what stands in bad bodies, and the secrets in answers of Vault that were spoiled. */
export function secretsOf({ spoiled }: Pick<FaultProxy, 'spoiled'>): Canary[] {
  return [
    { name: 'a bad body', bytes: CANARY },
    ...spoiled
      .flatMap((body) => [...body.matchAll(/"(?:password|client_token)":"([^"]+)"/g)])
      .map(([, secret]) => ({ name: 'a spoiled answer', bytes: Buffer.from(secret!) })),
  ];
}

/** What comes in the place of an answer, or of a part of it. */
export const BAD_ANSWERS: Readonly<Record<string, Weather>> = {
  'with 429 and Retry-After': { kind: 'answer', status: 429, headers: { 'retry-after': '2' }, body: TEXT },
  'with 500': { kind: 'answer', status: 500, body: TEXT },
  'with 503': { kind: 'answer', status: 503, headers: HTML, body: PAGE },
  'with HTML': { kind: 'answer', status: 200, headers: HTML, body: PAGE },
  'with a login page elsewhere': {
    kind: 'answer',
    status: 302,
    headers: { ...HTML, location: `https://login.acme.example/?state=${TEXT}` },
    body: PAGE,
  },
  'with 10 MB': { kind: 'long', more: MORE },
  'with half a body': { kind: 'half' },
};

/** What comes of answers to what the upstream has done all the same, and what the sidecar says then. */
export const ANSWERS_OF_WHAT_WAS_DONE: Readonly<
  Record<string, { readonly weather: Weather; readonly code: ErrorCode }>
> = {
  'with half a body': { weather: { kind: 'half' }, code: 'upstream_unavailable' },
  'with 10 MB': { weather: { kind: 'long', more: MORE }, code: 'upstream_answer_invalid' },
  'by a front that says 502': {
    weather: { kind: 'answer', status: 502, headers: HTML, body: PAGE, isAsked: true },
    code: 'upstream_unavailable',
  },
  'by a front that shows a login page': {
    weather: { kind: 'answer', status: 200, headers: HTML, body: PAGE, isAsked: true },
    code: 'upstream_answer_invalid',
  },
  'too late': { weather: { kind: 'late', ms: TOO_LATE_MS }, code: 'upstream_unavailable' },
};
