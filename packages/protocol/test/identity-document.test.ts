import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseIdentityDocument, parseState, type IdentityDocument } from '../src/index.ts';
import { refusal } from './throws.ts';

const document: IdentityDocument = {
  id: 'spiffe://acme.example/payments/close-batch',
  owner: { id: 'team-payments', kind: 'team' },
  environment: 'production',
  processes: ['BP-1042'],
  state: 'active',
  revocable: 'exp',
  credentials: [
    {
      name: 'ledger-api',
      type: 'access-token',
      audience: 'https://ledger.acme.example',
      scope: 'journal.write',
      use: ['https://ledger.acme.example/'],
      binding: 'dpop',
      delivery: 'plain',
      attribution: 'process',
    },
    {
      name: 'ledger-mtls',
      type: 'access-token',
      audience: 'https://ledger-mtls.acme.example',
      scope: undefined,
      use: ['https://ledger-mtls.acme.example/'],
      binding: 'mtls',
      delivery: 'plain',
      attribution: 'process',
      certificate: 'batch-tls',
    },
    {
      name: 'ledger-db',
      type: 'database',
      audience: undefined,
      scope: undefined,
      use: [],
      binding: 'none',
      delivery: 'sealed',
      attribution: 'identity',
    },
  ],
};
const parsed = (over: Record<string, unknown>): IdentityDocument =>
  parseIdentityDocument(JSON.stringify({ ...document, ...over }));
const credential = (over: Record<string, unknown>): Record<string, unknown> => ({
  credentials: [{ ...document.credentials[0], ...over }],
});

describe('GET /v1/identity', () => {
  test('what the sidecar writes is read as the same', () => {
    expect(parsed({})).toEqual(document);
  });

  test.each<[rule: string, over: Record<string, unknown>, expected: object]>([
    ['DESIGN §4.9: an unknown state may not be used', { state: 'quarantined' }, { state: 'suspended' }],
    ['an expired identity is expired', { state: 'expired' }, { state: 'expired' }],
    ['DESIGN §4.9: an unknown revocability is the stricter one', { revocable: 'at-once' }, { revocable: 'prompt' }],
    ['a missing revocability is the stricter one', { revocable: undefined }, { revocable: 'prompt' }],
    [
      'DESIGN §4.9: types, bindings and owner kinds that are not known are kept as they are',
      { ...credential({ type: 'kafka', binding: 'noise' }), owner: { id: 'o', kind: 'guild' } },
      { owner: { id: 'o', kind: 'guild' }, credentials: [{ type: 'kafka', binding: 'noise' }] },
    ],
    [
      'DESIGN §4.9: an unknown attribution is the narrowest',
      credential({ attribution: 'thread' }),
      { credentials: [{ attribution: 'run' }] },
    ],
    [
      'a missing delivery, of an older sidecar, is that of its own tokens',
      credential({ delivery: undefined }),
      { credentials: [{ delivery: 'plain' }] },
    ],
    [
      'an unknown delivery is not that of its own tokens',
      credential({ delivery: 'wrapped' }),
      { credentials: [{ delivery: 'sealed' }] },
    ],
    [
      'what is no token is never plain',
      credential({ type: 'database', delivery: 'plain' }),
      { credentials: [{ delivery: 'sealed' }] },
    ],
    [
      'a missing attribution, of an older sidecar, is by process',
      credential({ attribution: undefined }),
      { credentials: [{ attribution: 'process' }] },
    ],
    [
      'audience and scope may be null or missing',
      credential({ audience: null, scope: undefined }),
      { credentials: [{ audience: undefined, scope: undefined }] },
    ],
    ['members that are not known are ignored', { assurance: 'process', credentials: [] }, { credentials: [] }],
  ])('%s', (_rule, over, expected) => {
    expect(parsed(over)).toMatchObject(expected);
    expect(parsed(over)).not.toHaveProperty('assurance');
  });

  test.each<[what: string, over: Record<string, unknown>]>([
    ['no id', { id: undefined }],
    ['an id that is no SPIFFE ID', { id: 'close-batch' }],
    ['no owner', { owner: undefined }],
    ['an owner that is text', { owner: 'team-payments' }],
    ['an owner without kind', { owner: { id: 'o' } }],
    ['no environment', { environment: undefined }],
    ['no processes', { processes: undefined }],
    ['a process that is no text', { processes: [1] }],
    ['no state', { state: undefined }],
    ['no credentials', { credentials: undefined }],
    ['a credential that is text', { credentials: ['ledger-api'] }],
    ['a credential that is null', { credentials: [null] }],
    ['a credential without name', credential({ name: undefined })],
    ['a credential without type', credential({ type: undefined })],
    ['a credential without use', credential({ use: undefined })],
    ['a use that is no text', credential({ use: [{}] })],
    ['a credential without binding', credential({ binding: undefined })],
    ['an attribution that is no text', credential({ attribution: 1 })],
    ['an audience that is a list', credential({ audience: ['a'] })],
    ['a certificate that is no name', credential({ certificate: true })],
  ])('%s is refused', (_what, over) => {
    expect(refusal(() => parsed(over))).toBe('protocol_error');
  });

  test('any text is parsed or gives protocol_error, nothing else', () => {
    const like = fc
      .dictionary(fc.constantFrom(...Object.keys(document)), fc.jsonValue())
      .map((over) => JSON.stringify({ ...document, ...over }));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), like), (body) => {
        expect([undefined, 'protocol_error']).toContain(refusal(() => parseIdentityDocument(body)));
      }),
      { numRuns: 500 },
    );
  });
});

test('any state but active and expired is suspended', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(parseState(text)).toBe(text === 'active' || text === 'expired' ? text : 'suspended');
    }),
  );
});
