import { createHmac, hash, timingSafeEqual } from 'node:crypto';

/** A request as it came over the wire. */
export interface ReceivedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The keys that a signature is judged by. */
export interface KnownKeys {
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** Of temporary keys. */
  readonly expiresAtMs?: number | undefined;
}

/** What the judge holds a request against. */
export interface SigV4Expectation {
  readonly nowMs: number;
  readonly region: string;
  readonly service: string;
  readonly keysOf: (accessKeyId: string) => KnownKeys | undefined;
}

/** Whose signature it is, or the code that AWS refuses it with, and why. */
export type SigV4Verdict =
  | { readonly ok: true; readonly accessKeyId: string }
  | { readonly ok: false; readonly code: string; readonly why: string };

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=(\w{16,128}|AKIDEXAMPLE)\/(\d{8})\/([a-z0-9-]+)\/([a-z0-9]+)\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;
const WINDOW_MS = 300_000;

/**
 * Judges a signature from the published rules (AWS Signature Version 4, "Create a signed AWS API request"), with nothing
 * of the software that made it: the canonical request is put together anew from the bytes that came.
 */
export function judgeSigV4(request: ReceivedRequest, expected: SigV4Expectation): SigV4Verdict {
  const { headers, body } = request;
  const refuse = (code: string, why: string): SigV4Verdict => ({ ok: false, code, why });
  const [, accessKeyId, day, region, service, signed, signature] =
    AUTHORIZATION.exec(headers.authorization ?? '') ?? [];
  if (!accessKeyId || !signed || !signature) return refuse('IncompleteSignature', 'no Authorization of this form');
  const time = headers['x-amz-date'];
  if (time === undefined || !/^\d{8}T\d{6}Z$/.test(time)) return refuse('IncompleteSignature', 'no x-amz-date');
  if (time.slice(0, 8) !== day) return refuse('SignatureDoesNotMatch', 'the scope is of another day');
  if (region !== expected.region || service !== expected.service) {
    return refuse('SignatureDoesNotMatch', `the scope is for ${service} in ${region}`);
  }
  const names = signed.split(';');
  const must = Object.keys(headers).filter(
    (name) => name === 'host' || name === 'content-type' || name.startsWith('x-amz-'),
  );
  const unsigned = must.find((name) => !names.includes(name));
  if (unsigned !== undefined) return refuse('SignatureDoesNotMatch', `${unsigned} is not signed`);
  if (names.join(';') !== [...new Set(names)].sort().join(';')) {
    return refuse('SignatureDoesNotMatch', 'the signed headers are not in order');
  }
  const absent = names.find((name) => headers[name] === undefined);
  if (absent !== undefined) return refuse('SignatureDoesNotMatch', `${absent} is signed and absent`);
  const digest = hash('sha256', body, 'hex');
  const said = headers['x-amz-content-sha256'];
  if (said !== undefined && said !== digest) return refuse('SignatureDoesNotMatch', 'the body has another digest');
  const keys = expected.keysOf(accessKeyId);
  if (!keys) return refuse('InvalidClientTokenId', 'no such access key');
  if (headers['x-amz-security-token'] !== keys.sessionToken) {
    return refuse('InvalidClientTokenId', 'the session token is not that of the access key');
  }
  if (Math.abs(parseTime(time) - expected.nowMs) > WINDOW_MS) {
    return refuse('SignatureDoesNotMatch', 'signed more than 5 minutes from now');
  }
  const canonical = canonicalRequest(request, names, digest);
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', time, scope, hash('sha256', canonical, 'hex')].join('\n');
  const key = scope.split('/').reduce(hmac, Buffer.from(`AWS4${keys.secretAccessKey}`));
  if (!timingSafeEqual(hmac(key, toSign), Buffer.from(signature, 'hex'))) {
    return refuse('SignatureDoesNotMatch', `another signature than of\n${canonical}`);
  }
  if (keys.expiresAtMs !== undefined && keys.expiresAtMs <= expected.nowMs) {
    return refuse('ExpiredToken', 'the session has ended');
  }
  return { ok: true, accessKeyId };
}

function canonicalRequest({ method, url, headers }: ReceivedRequest, names: readonly string[], digest: string): string {
  const at = url.indexOf('?');
  const path = at < 0 ? url : url.slice(0, at);
  const query = at < 0 ? [] : url.slice(at + 1).split('&');
  const pairs = query
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [name = '', ...value] = pair.split('=');
      return `${encode(decodeURIComponent(name))}=${encode(decodeURIComponent(value.join('=')))}`;
    });
  return [
    method,
    path.split('/').map(encode).join('/'),
    pairs.sort().join('&'),
    ...names.map((name) => `${name}:${headers[name]!.trim().replaceAll(/ +/g, ' ')}`),
    '',
    names.join(';'),
    digest,
  ].join('\n');
}

/** UriEncode of the documentation: all but the unreserved characters of RFC 3986. */
function encode(text: string): string {
  return Array.from(Buffer.from(text), (byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9._~-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function parseTime(time: string): number {
  return Date.parse(time.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/, '$1-$2-$3T$4:$5:$6Z'));
}
