import { TallystickError, type Binding, type CredentialType } from '@tallystick/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatReplyClaims,
  formatSealedReply,
  parseReplyClaims,
  parseSealedReply,
  readMaterial,
  type CredentialReply,
  type Materials,
} from '../src/index.ts';
import { anyText } from './any-text.ts';
import { refusal } from './throws.ts';

const EXPECTED = {
  issuer: 'https://tallystick.acme.example',
  identity: 'spiffe://acme.example/payments/close-batch',
  jkt: 'our-key',
  sealedTo: 'one-time',
  request: 'jti-1',
  bth: 'hash',
  name: 'ledger-db',
  type: 'database',
} as const;

const REPLY: CredentialReply = {
  ...EXPECTED,
  binding: 'none',
  leaseId: 'ls_01KAMZ3CT000000000000000AA',
  issuedAt: new Date('2026-11-22T12:00:00Z'),
  rotateAt: new Date('2026-11-22T12:30:00Z'),
  expiresAt: new Date('2026-11-22T13:00:00Z'),
  recordId: 'rec',
  logHead: undefined,
  material: { username: 'v-close', password: 'canary-password' },
};

const MATERIALS: Materials = {
  'access-token': { token: 't', audience: '', scope: '' },
  aws: { accessKeyId: 'AKIA', secretAccessKey: 's', sessionToken: 't', accountId: '' },
  gcp: { token: 't', serviceAccount: '' },
  azure: { token: 't', clientId: 'c', tenantId: 'd' },
  database: { username: 'u', password: 'p' },
  secret: { values: { a: '1', __proto__x: '' }, version: '' },
  x509: { certificate: 'c', authorities: 'a', serial: '0a' },
  ssh: { certificate: 'c', serial: '7' },
};

const changed = (change: Record<string, unknown>): string =>
  JSON.stringify({ ...(JSON.parse(formatReplyClaims(REPLY)) as object), ...change });

describe('the claims of a reply', () => {
  test('come back as they were said', () => {
    expect(parseReplyClaims(formatReplyClaims(REPLY), EXPECTED)).toEqual(REPLY);
  });

  test('leave no more life than there was when they were made late in a second', () => {
    const issuedAt = new Date('2026-11-22T12:59:58.901Z');
    const read = parseReplyClaims(formatReplyClaims({ ...REPLY, issuedAt }), EXPECTED);
    expect(read.expiresAt.getTime() - read.issuedAt.getTime()).toBe(1099);
  });

  test.each(Object.entries(MATERIALS))('carry the material of %s', (type, material) => {
    const expected = { ...EXPECTED, type: type as CredentialType };
    const claims = formatReplyClaims({ ...REPLY, type, material });
    expect(parseReplyClaims(claims, expected).material).toEqual(material);
  });

  test.each([
    ['iss', 'https://other.example'],
    ['aud', 'spiffe://acme.example/payments/other'],
    ['aud', [EXPECTED.identity]],
    ['cnf', { jkt: 'another' }],
    ['ekt', 'another'],
    ['req', 'jti-0'],
    ['bth', 'another'],
    ['name', 'other-db'],
    ['type', 'secret'],
    ['iss', undefined],
    ['ekt', undefined],
    ['req', null],
  ])('are refused where "%s" is for another: %j', (name, value) => {
    const read = (): unknown => parseReplyClaims(changed({ [name]: value }), EXPECTED);
    expect(read).toThrow(/is for another/);
    expect(read).not.toThrow(/canary/);
  });

  test.each([
    ['no key', { cnf: undefined }],
    ['a lease id that is none', { lease_id: 'ls_1' }],
    ['an end before its making', { exp: 1_700_000_000 }],
    ['an end with its making', { exp: REPLY.issuedAt.getTime() / 1000 }],
    ['no end', { exp: undefined }],
    ['an end that no date holds', { exp: 1e300 }],
    ['a making in text', { iat: '1' }],
    ['no rotation', { rotate_at: undefined }],
    ['no record', { record_id: '' }],
    ['no material', { credential: undefined }],
    ['the material of another type', { credential: MATERIALS.gcp }],
    ['an empty password', { credential: { username: 'u', password: '' } }],
  ])('are refused with %s', (_, change) => {
    expect(refusal(() => parseReplyClaims(changed(change), EXPECTED))).toBe('protocol_error');
  });

  test('a binding of a newer sidecar proves nothing that this side knows of', () => {
    expect(parseReplyClaims(changed({ binding: 'quantum' }), EXPECTED).binding).toBe('none' satisfies Binding);
  });

  test('any text, and any members, are read or refused, and no refusal shows one of them', () => {
    fc.assert(fc.property(anyText, (text) => void refusal(() => parseReplyClaims(text, EXPECTED))));
    const members = Object.keys(JSON.parse(formatReplyClaims(REPLY)) as object);
    const change = fc.dictionary(fc.constantFrom(...members), fc.jsonValue(), { minKeys: 1 });
    fc.assert(
      fc.property(change, (values) => {
        try {
          parseReplyClaims(changed(values), EXPECTED);
        } catch (error) {
          if (!TallystickError.is(error)) throw error;
          expect(error.code).toBe('protocol_error');
          expect(error.message).not.toContain('canary');
        }
      }),
    );
  });
});

describe('material', () => {
  test('of a store keeps every name a JSON object can have', () => {
    const values = JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string>;
    const read = readMaterial('secret', { values, version: '' }, 'x');
    expect(JSON.stringify(read.values)).toBe('{"__proto__":"a","constructor":"b"}');
  });

  test('of a store is text alone', () => {
    for (const value of [1, null, {}, ['canary']]) {
      expect(refusal(() => readMaterial('secret', { values: { a: value }, version: '' }, 'x'))).toBe('protocol_error');
    }
  });

  test('leaves out what is not known', () => {
    expect(readMaterial('gcp', { ...MATERIALS.gcp, more: 1 }, 'x')).toEqual(MATERIALS.gcp);
  });
});

test('a successful answer carries the sealed text', () => {
  expect(parseSealedReply(JSON.stringify(formatSealedReply('a.b.c.d.e')))).toBe('a.b.c.d.e');
  fc.assert(
    fc.property(fc.oneof(anyText, fc.json()), (body) => {
      const code = refusal(() => parseSealedReply(body));
      expect([undefined, 'protocol_error']).toContain(code);
    }),
  );
  for (const body of ['', 'null', '[]', '{}', '{"sealed":1}', '{"sealed":""}']) {
    expect(refusal(() => parseSealedReply(body))).toBe('protocol_error');
  }
});
