import { expect, test } from 'vitest';
import { judgeSigV4, type ReceivedRequest } from './sigv4-judge.ts';

const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const NOW_MS = Date.parse('2015-08-30T12:36:00Z');
const SUITE = { host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z' };
const SESSION =
  'AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==';

interface Vector {
  readonly name: string;
  readonly request?: Partial<ReceivedRequest>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly service?: string;
  readonly signature: string;
}

/** Of AWS's Signature Version 4 test suite, and the example of its documentation (IAM, ListUsers). */
const VECTORS: readonly Vector[] = [
  { name: 'get-vanilla', signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31' },
  {
    name: 'post-vanilla',
    request: { method: 'POST' },
    signature: '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  },
  {
    name: 'post-x-www-form-urlencoded',
    request: { method: 'POST', body: 'Param1=value1' },
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    signature: 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  },
  {
    name: 'get-vanilla-query-order-key-case',
    request: { url: '/?Param2=value2&Param1=value1' },
    signature: 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  },
  {
    name: 'get-utf8',
    request: { url: '/ሴ' },
    signature: '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85',
  },
  {
    name: 'get-header-value-trim',
    headers: { 'my-header1': ' value1', 'my-header2': ' "a   b   c"' },
    signature: 'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
  },
  {
    name: 'post-sts-header-before',
    request: { method: 'POST' },
    headers: { 'x-amz-security-token': SESSION },
    signature: '85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead',
  },
  {
    name: 'IAM ListUsers',
    request: { url: '/?Action=ListUsers&Version=2010-05-08' },
    headers: { host: 'iam.amazonaws.com', 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    service: 'iam',
    signature: '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
  },
];

function judge({ request, headers, service = 'service', signature }: Vector, changed: Partial<ReceivedRequest> = {}) {
  const all: Record<string, string> = { ...SUITE, ...headers };
  const signed = Object.keys(all).sort().join(';');
  return judgeSigV4(
    {
      method: 'GET',
      url: '/',
      body: '',
      ...request,
      ...changed,
      headers: {
        ...all,
        authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/${service}/aws4_request, SignedHeaders=${signed}, Signature=${signature}`,
        ...changed.headers,
      },
    },
    {
      nowMs: NOW_MS,
      region: 'us-east-1',
      service,
      keysOf: () => ({ secretAccessKey: SECRET, sessionToken: headers?.['x-amz-security-token'] }),
    },
  );
}

test.each(VECTORS)('the judge finds the published signature of $name good', (vector) => {
  expect(judge(vector)).toEqual({ ok: true, accessKeyId: 'AKIDEXAMPLE' });
});

const FORM = VECTORS[2]!;

test.each<[string, Partial<ReceivedRequest>]>([
  ['another method', { method: 'PUT' }],
  ['another path', { url: '/x' }],
  ['a query', { url: '/?Action=Other' }],
  ['another body', { body: 'Param1=value2' }],
  ['another content type', { headers: { 'content-type': 'application/json' } }],
  ['another host', { headers: { host: 'evil.example' } }],
  ['a header of AWS that is not signed', { headers: { 'x-amz-target': 'Other' } }],
  ['another instant', { headers: { 'x-amz-date': '20150830T123601Z' } }],
])('it refuses %s under a signature that is good', (_what, changed) => {
  expect(judge(FORM, changed)).toMatchObject({ ok: false, code: 'SignatureDoesNotMatch' });
});

test.each([
  [-300_000, true],
  [300_000, true],
  [-301_000, false],
  [301_000, false],
])('signed %i ms from now, it is good: %s', (byMs, ok) => {
  const [vanilla] = VECTORS;
  const authorization = `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${vanilla!.signature}`;
  const verdict = judgeSigV4(
    { method: 'GET', url: '/', headers: { ...SUITE, authorization }, body: '' },
    { nowMs: NOW_MS + byMs, region: 'us-east-1', service: 'service', keysOf: () => ({ secretAccessKey: SECRET }) },
  );
  expect(verdict.ok).toBe(ok);
});
