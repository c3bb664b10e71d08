import { createSign, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  generateHolderKey,
  holderKey,
  MAX_JTI_LENGTH,
  MAX_PROOF_LENGTH,
  PROOF_ALGORITHMS,
  ProofError,
  readProof,
} from '../src/index.ts';
import { CLAIMS, encode, forge, key, signed, verdict } from './forge.ts';

const jwk = key.publicJwk as { kty: 'EC'; crv: string; x: string; y: string };
const header = { typ: 'dpop+jwt', alg: 'ES256', jwk };
const good = forge();
const [goodHeader, goodClaims, goodSignature] = good.split('.') as [string, string, string];

describe('a proof that is good', () => {
  test.each(PROOF_ALGORITHMS)('%s: gives what was signed, twice the same', async (alg) => {
    const by = await generateHolderKey(alg);
    const proof = forge({ key: by, claims: { ath: 'A', nonce: 'N', bth: 'B' } });
    const expected = { alg, jkt: by.jkt, ...CLAIMS, ath: 'A', nonce: 'N', bth: 'B', exp: undefined, nbf: undefined };
    expect(readProof(proof)).toEqual(expected);
    expect(readProof([proof])).toEqual(expected);
  });

  test('RFC 9449 §4.2: other header parameters and claims are allowed, and ignored', () => {
    const proof = forge({
      header: { kid: '1', x5c: ['AAAA'], x5u: 'https://evil.example/', jku: 'https://evil.example/' },
      claims: { sub: 'x', aud: ['y'], nested: { jti: 'other' } },
    });
    expect(verdict(proof)).toMatchObject({ jkt: key.jkt, jti: CLAIMS.jti });
  });

  test('RFC 9449 §4.2: other members of the JWK are allowed, and not part of the thumbprint', () => {
    expect(verdict(forge({ header: { jwk: { ...jwk, kid: 'k', use: 'sig', alg: 'ES256' } } }))).toMatchObject({
      jkt: key.jkt,
    });
  });

  test('RFC 7519 §2: iat may have fractions and lie before 1970; §4.1.4, §4.1.5: exp and nbf are read', () => {
    expect(verdict(forge({ claims: { iat: -0.5, exp: 1.5, nbf: -1 } }))).toMatchObject({
      iat: -0.5,
      exp: 1.5,
      nbf: -1,
    });
  });

  test('RFC 8259 §8: text is Unicode, escaped or not', () => {
    expect(
      verdict(signed(JSON.stringify(header), `{"jti":"\\u00e9\u{1f600}","htm":"P","htu":"é","iat":1}`)),
    ).toMatchObject({
      jti: 'é\u{1f600}',
      htu: 'é',
    });
  });
});

describe('RFC 9449 §4.3 step 1: not more than one DPoP header', () => {
  test.each([
    ['none', undefined, 'missing'],
    ['an empty list', [], 'missing'],
    ['an empty one', '', 'missing'],
    ['an empty one in a list', [''], 'missing'],
    ['two', [good, good], 'multiple'],
    ['two, the first empty', ['', good], 'multiple'],
    ['two that Node joined', `${good}, ${good}`, 'malformed'],
  ])('%s', (_what, value, fault) => {
    expect(verdict(value)).toBe(fault);
  });
});

describe('RFC 9449 §4.3 step 2: a single well-formed JWT', () => {
  test.each<[what: string, jwt: string]>([
    ['text', 'proof'],
    ['two parts', `${goodHeader}.${goodClaims}`],
    ['four parts', `${good}.${goodSignature}`],
    ['five parts, as a JWE has', 'a.b.c.d.e'],
    ['dots alone', '..'],
    ['an empty header', `.${goodClaims}.${goodSignature}`],
    ['an empty payload', `${goodHeader}..${goodSignature}`],
    ['white space around', ` ${good}`],
    ['a line feed at the end', `${good}\n`],
    ['padding', `${goodHeader}=.${goodClaims}.${goodSignature}`],
    ['padding on the signature', `${good}==`],
    ['the alphabet of base64', `${goodHeader}.${goodClaims}.${'+/'.repeat(43)}`],
    ['a character outside of every alphabet', `${goodHeader}.${goodClaims}.é${goodSignature.slice(1)}`],
    ['a header that is not JSON', signed('{', JSON.stringify(CLAIMS))],
    ['a header that is a list', signed('[]', JSON.stringify(CLAIMS))],
    ['a header that is null', signed('null', JSON.stringify(CLAIMS))],
    ['a header with a byte order mark', signed(`\ufeff${JSON.stringify(header)}`, JSON.stringify(CLAIMS))],
    ['a payload that is not JSON', signed(JSON.stringify(header), 'jti=1')],
    ['a payload that is text', signed(JSON.stringify(header), '"jti"')],
    ['a payload that is a list', signed(JSON.stringify(header), '[]')],
    ['a payload that is null', signed(JSON.stringify(header), 'null')],
    [
      'a payload that is not UTF-8',
      signed(JSON.stringify(header), Buffer.from(`{"jti":"\xe9","htm":"P","htu":"h","iat":1}`, 'latin1')),
    ],
    [
      'a header that is not UTF-8',
      signed(Buffer.from(JSON.stringify({ ...header, kid: '\xe9' }), 'latin1'), JSON.stringify(CLAIMS)),
    ],
    ['JSON after the payload', signed(JSON.stringify(header), `${JSON.stringify(CLAIMS)}{}`)],
    ['a comment in the payload', signed(JSON.stringify(header), `${JSON.stringify(CLAIMS)}//`)],
  ])('%s is refused', (_what, jwt) => {
    expect(verdict(jwt)).toBe('malformed');
  });

  test('§4.1: a proof of 8192 characters is read, one of 8193 is not looked at', () => {
    const filled = (length: number): string => {
      const jwt = forge({
        claims: { fill: 'x'.repeat(Math.floor((length - forge({ claims: { fill: '' } }).length) * 0.75)) },
      });
      return jwt;
    };
    const long = filled(MAX_PROOF_LENGTH);
    expect(long.length).toBeGreaterThan(MAX_PROOF_LENGTH - 4);
    expect(long.length).toBeLessThanOrEqual(MAX_PROOF_LENGTH);
    expect(verdict(long)).toMatchObject(CLAIMS);
    expect(verdict(filled(MAX_PROOF_LENGTH + 4))).toBe('oversize');
    expect(verdict('.'.repeat(MAX_PROOF_LENGTH + 1))).toBe('oversize');
  });

  test('RFC 4648 §3.5: a part in another than its one base64url form is refused, though it decodes to the same bytes', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const parts = [goodHeader, goodClaims, goodSignature];
    let tried = 0;
    for (const [i, part] of parts.entries()) {
      for (const last of alphabet) {
        const alias = part.slice(0, -1) + last;
        if (alias === part || !Buffer.from(alias, 'base64url').equals(Buffer.from(part, 'base64url'))) continue;
        tried++;
        expect(verdict(parts.with(i, alias).join('.'))).toBe('malformed');
      }
    }
    expect(tried).toBeGreaterThanOrEqual(15);
  });
});

describe('RFC 9449 §4.3 step 3: all required claims', () => {
  test.each<[name: 'jti' | 'htm' | 'htu' | 'iat', values: unknown[]]>([
    ['jti', [undefined, null, '', 1, ['x'], {}, 'x'.repeat(MAX_JTI_LENGTH + 1)]],
    ['htm', [undefined, null, 1, ['POST']]],
    ['htu', [undefined, null, 1, ['https://a.example/']]],
    ['iat', [undefined, null, '1700000000', true, [], {}]],
  ])('%s is missing or of another type', (name, values) => {
    for (const value of values) expect(verdict(forge({ claims: { [name]: value } }))).toBe(name);
  });

  test('iat is no number that JSON can write but no clock can show', () => {
    expect(verdict(signed(JSON.stringify(header), '{"jti":"1","htm":"P","htu":"h","iat":1e999}'))).toBe('iat');
  });

  test('a jti that has no UTF-8 form is refused: it could not be put on record', () => {
    for (const jti of ['\ud800', 'a\udc00b', '\udc00\ud800']) expect(verdict(forge({ claims: { jti } }))).toBe('jti');
  });

  test('§11.1: a jti of 256 characters is the longest', () => {
    expect(verdict(forge({ claims: { jti: 'x'.repeat(MAX_JTI_LENGTH) } }))).toMatchObject({ alg: 'ES256' });
  });

  test.each(['ath', 'nonce', 'bth'] as const)('%s is of another type', (name) => {
    for (const value of [null, 1, [], {}]) expect(verdict(forge({ claims: { [name]: value } }))).toBe(name);
  });

  test.each(['exp', 'nbf'] as const)('%s is of another type', (name) => {
    for (const value of [null, '1', [], {}]) expect(verdict(forge({ claims: { [name]: value } }))).toBe(name);
  });

  test('claims that stand under __proto__, or are inherited, are none', () => {
    expect(verdict(signed(JSON.stringify(header), `{"__proto__":${JSON.stringify(CLAIMS)}}`))).toBe('jti');
    expect(verdict(signed(`{"__proto__":${JSON.stringify(header)}}`, JSON.stringify(CLAIMS)))).toBe('typ');
    expect(({} as Record<string, unknown>).jti).toBeUndefined();
  });

  test('RFC 7515 §4: of a member given twice the last counts, in what is verified as in what is returned', () => {
    expect(verdict(signed(JSON.stringify(header), `{"jti":"first",${JSON.stringify(CLAIMS).slice(1)}`))).toMatchObject({
      jti: CLAIMS.jti,
    });
    expect(verdict(signed(`{"alg":"none",${JSON.stringify(header).slice(1)}`, JSON.stringify(CLAIMS)))).toMatchObject({
      alg: 'ES256',
    });
    expect(verdict(signed(`${JSON.stringify(header).slice(0, -1)},"alg":"none"}`, JSON.stringify(CLAIMS)))).toBe('alg');
  });
});

describe('RFC 9449 §4.3 step 4: typ is dpop+jwt', () => {
  test.each([
    undefined,
    null,
    '',
    'jwt',
    'JWT',
    'at+jwt',
    'DPOP+JWT',
    'dpop+jwt ',
    'application/dpop+jwt',
    ['dpop+jwt'],
  ])('%j is refused', (typ) => {
    expect(verdict(forge({ header: { typ } }))).toBe('typ');
  });
});

describe('RFC 9449 §4.3 step 5: alg is asymmetric, not none, and one of ours', () => {
  test.each([
    undefined,
    null,
    '',
    'none',
    'None',
    'HS256',
    'HS512',
    'RS256',
    'ES512',
    'ES256K',
    'EdDSA',
    'es256',
    'toString',
    '__proto__',
    'constructor',
    ['ES256'],
  ])('%j is refused', (alg) => {
    expect(verdict(forge({ header: { alg } }))).toBe('alg');
  });

  test('none with an empty signature is refused for its alg', () => {
    expect(verdict(`${encode(JSON.stringify({ ...header, alg: 'none' }))}.${goodClaims}.`)).toBe('alg');
  });

  test('HS256 with the public key as its secret is refused for its alg', () => {
    expect(verdict(forge({ header: { alg: 'HS256', jwk: { kty: 'oct', k: jwk.x } } }))).toBe('alg');
  });

  test('RFC 7515 §4.1.11, RFC 7797 §7: crit and b64 are refused, as no extension is understood', () => {
    for (const crit of [['b64'], ['exp'], [], null, 'b64']) expect(verdict(forge({ header: { crit } }))).toBe('crit');
    for (const b64 of [false, true, null]) expect(verdict(forge({ header: { b64 } }))).toBe('crit');
    expect(verdict(forge({ header: { crit: ['b64'], b64: false } }))).toBe('crit');
  });
});

describe('RFC 9449 §4.3 step 6: the signature verifies with the key in the header', () => {
  test('a signature by another key is refused', async () => {
    const other = await generateHolderKey();
    expect(verdict(forge({ key: other, header: { jwk } }))).toBe('signature');
  });

  test('each part is covered: no bit of header, payload or signature can change', () => {
    const offsets = fc.tuple(fc.constantFrom(0, 1, 2), fc.nat(), fc.nat(7));
    fc.assert(
      fc.property(offsets, ([part, at, bit]) => {
        const parts = good.split('.');
        const bytes = Buffer.from(parts[part]!, 'base64url');
        bytes[at % bytes.length]! ^= 1 << bit;
        const fault = verdict(parts.with(part, bytes.toString('base64url')).join('.'));
        expect(typeof fault).toBe('string');
        if (part === 2) expect(fault).toBe('signature');
      }),
      { numRuns: 300 },
    );
  });

  test('a proof of another, with the claims of this one, is refused', () => {
    const other = forge({ claims: { jti: 'other' } });
    expect(verdict(`${goodHeader}.${goodClaims}.${other.split('.')[2]!}`)).toBe('signature');
  });

  test('RFC 7518 §3.4: a signature in DER, of another length, empty, or of zeros is refused', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const by = holderKey(privateKey, 'ES256');
    const input = forge({ key: by }).split('.').slice(0, 2).join('.');
    const der = createSign('sha256').update(input).sign(privateKey);
    const p1363 = by.sign(input);
    const faults = [
      der,
      p1363.subarray(1),
      Buffer.concat([p1363, Buffer.of(0)]),
      Buffer.alloc(0),
      Buffer.alloc(64),
      Buffer.alloc(96),
    ];
    for (const signature of faults) expect(verdict(`${input}.${signature.toString('base64url')}`)).toBe('signature');
    expect(verdict(`${input}.${p1363.toString('base64url')}`)).toMatchObject({ jkt: by.jkt });
  });

  test('§11.1: the other signature that ECDSA has for the same proof reads as the same jti: it cannot get past a replay store', () => {
    const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const signature = Buffer.from(goodSignature, 'base64url');
    const s = BigInt(`0x${signature.subarray(32).toString('hex')}`);
    const twin = Buffer.concat([signature.subarray(0, 32), Buffer.from((n - s).toString(16).padStart(64, '0'), 'hex')]);
    const malleated = `${goodHeader}.${goodClaims}.${twin.toString('base64url')}`;
    expect(malleated).not.toBe(good);
    expect(verdict(malleated)).toEqual(readProof(good));
  });
});

describe('RFC 9449 §4.3 step 7: jwk is a public key, and nothing else', () => {
  test.each([undefined, null, 'key', 1, [], [jwk]])('%j is no JWK', (value) => {
    expect(verdict(forge({ header: { jwk: value } }))).toBe('jwk');
  });

  test.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])(
    'a JWK with the private member "%s" is refused, whatever its value',
    (member) => {
      for (const value of ['AAAA', '', null, undefined]) {
        const text = JSON.stringify({ ...jwk, [member]: value ?? null });
        expect(verdict(signed(`{"typ":"dpop+jwt","alg":"ES256","jwk":${text}}`, JSON.stringify(CLAIMS)))).toBe(
          'private_jwk',
        );
      }
    },
  );

  test.each<[what: string, jwk: Record<string, unknown>]>([
    ['a symmetric key, its value left out', { kty: 'oct' }],
    ['no kty', { ...jwk, kty: undefined }],
    ['an unknown kty', { ...jwk, kty: 'AKP' }],
    ['a kty that is inherited', { ...jwk, kty: 'toString' }],
    ['another curve', { ...jwk, crv: 'P-384' }],
    ['a curve of no JWS', { ...jwk, crv: 'secp256k1' }],
    ['an unknown curve', { ...jwk, crv: 'P-257' }],
    ['no crv', { ...jwk, crv: undefined }],
    ['no x', { ...jwk, x: undefined }],
    ['no y', { ...jwk, y: undefined }],
    ['an empty x', { ...jwk, x: '' }],
    ['an x that is a list', { ...jwk, x: [jwk.x] }],
    ['an x that is a number', { ...jwk, x: 1 }],
    ['a point that is not on the curve', { ...jwk, x: jwk.y, y: jwk.x }],
    ['the point at infinity, as zeros', { ...jwk, x: encode(new Uint8Array(32)), y: encode(new Uint8Array(32)) }],
    ['a coordinate beyond the field', { ...jwk, x: encode(new Uint8Array(32).fill(255)) }],
    ['x with padding', { ...jwk, x: `${jwk.x}=` }],
    [
      'RFC 7518 §6.2.1.2: x with a leading zero byte',
      { ...jwk, x: encode(Buffer.concat([Buffer.of(0), Buffer.from(jwk.x, 'base64url')])) },
    ],
    ['x with stray bits at its end', { ...jwk, x: stray(jwk.x) }],
    ['x in hexadecimal', { ...jwk, x: Buffer.from(jwk.x, 'base64url').toString('hex') }],
  ])('%s is refused', (_what, value) => {
    expect(verdict(forge({ header: { jwk: value } }))).toBe('jwk');
  });

  test('RFC 7518 §6.2.1.2: a coordinate that lost its leading zero byte is refused; with it, the key is taken', async () => {
    for (;;) {
      const by = await generateHolderKey();
      const { x } = by.publicJwk as { x: string };
      const bytes = Buffer.from(x, 'base64url');
      if (bytes[0] !== 0) continue;
      expect(verdict(forge({ key: by }))).toMatchObject({ jkt: by.jkt });
      expect(verdict(forge({ key: by, header: { jwk: { ...by.publicJwk, x: encode(bytes.subarray(1)) } } }))).toBe(
        'jwk',
      );
      return;
    }
  });

  test.each([
    ['ES256', 'ES384'],
    ['ES384', 'ES256'],
    ['ES256', 'Ed25519'],
    ['Ed25519', 'PS256'],
    ['PS256', 'ES256'],
  ] as const)('a %s key under alg %s is refused', async (of, alg) => {
    expect(verdict(forge({ key: await generateHolderKey(of), header: { alg } }))).toBe('jwk');
  });

  test('another curve of the same kty is refused: X25519, Ed448', () => {
    for (const type of ['x25519', 'ed448'] as const) {
      const { publicKey } = generateKeyPairSync(type as 'x25519');
      expect(
        verdict(
          forge({ header: { alg: 'Ed25519', jwk: publicKey.export({ format: 'jwk' }) as Record<string, unknown> } }),
        ),
      ).toBe('jwk');
    }
  });

  test('an Ed25519 key of 31 or 33 bytes is refused', () => {
    for (const length of [31, 33]) {
      const x = encode(new Uint8Array(length).fill(7));
      expect(verdict(forge({ header: { alg: 'Ed25519', jwk: { kty: 'OKP', crv: 'Ed25519', x } } }))).toBe('jwk');
    }
  });

  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const rsaJwk = rsa.publicKey.export({ format: 'jwk' }) as { kty: string; n: string; e: string };
  const rsaKey = holderKey(rsa.privateKey, 'PS256');
  const modulus = (bits: number): string =>
    encode(Buffer.concat([Buffer.of(0x80), Buffer.alloc(bits / 8 - 2, 0x55), Buffer.of(1)]));

  test.each<[what: string, jwk: Record<string, unknown>]>([
    ['1024 bits', { ...rsaJwk, n: modulus(1024) }],
    ['2040 bits', { ...rsaJwk, n: modulus(2040) }],
    ['4104 bits, which would slow each check', { ...rsaJwk, n: modulus(4104) }],
    ['the exponent 1, with which everybody signs', { ...rsaJwk, e: 'AQ' }],
    ['the exponent 3', { ...rsaJwk, e: 'Aw' }],
    ['an even exponent', { ...rsaJwk, e: 'AQAA' }],
    ['the exponent 0', { ...rsaJwk, e: 'AA' }],
    ['an exponent as long as the modulus, which would slow each check', { ...rsaJwk, e: rsaJwk.n }],
    [
      'RFC 7518 §6.3.1.1: a modulus with a leading zero byte',
      { ...rsaJwk, n: encode(Buffer.concat([Buffer.of(0), Buffer.from(rsaJwk.n, 'base64url')])) },
    ],
    ['an exponent with a leading zero byte', { ...rsaJwk, e: 'AAEAAQ' }],
    ['no exponent', { ...rsaJwk, e: undefined }],
    ['no modulus', { ...rsaJwk, n: undefined }],
  ])('RSA with %s is refused', (_what, value) => {
    expect(verdict(forge({ key: rsaKey, header: { jwk: value } }))).toBe('jwk');
  });

  test('RSA of 2048 bits with exponent 65537 is taken; of 4096 bits it gets as far as its signature', () => {
    expect(verdict(forge({ key: rsaKey }))).toMatchObject({ alg: 'PS256' });
    expect(verdict(forge({ key: rsaKey, header: { jwk: { ...rsaJwk, n: modulus(4096) } } }))).toBe('signature');
  });

  test('a key is good for the algorithm of its own header alone, though both were seen before', async () => {
    const ed = await generateHolderKey('Ed25519');
    expect(verdict(forge({ key: ed }))).toMatchObject({ alg: 'Ed25519' });
    expect(verdict(forge({ key: ed, header: { alg: 'ES256' } }))).toBe('jwk');
  });
});

describe('any input', () => {
  const parts = fc.array(
    fc.oneof(fc.constantFrom(goodHeader, goodClaims, goodSignature, ''), fc.base64String(), fc.string()),
    { maxLength: 5 },
  );
  const mutated = fc
    .tuple(fc.nat(good.length), fc.nat(3), fc.string({ maxLength: 3 }))
    .map(([at, drop, put]) => good.slice(0, at) + put + good.slice(at + drop));

  test('gives a proof or a ProofError, nothing else', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          parts.map((p) => p.join('.')),
          mutated,
          fc.array(fc.string()),
        ),
        (value) => {
          const fault = verdict(value as string | string[]);
          if (typeof fault !== 'string') expect(value).toBe(good);
        },
      ),
      { numRuns: 1000 },
    );
  });

  const json = fc.oneof(fc.jsonValue(), fc.anything({ maxDepth: 1 }));
  const objectLike = (names: string[]): fc.Arbitrary<Record<string, unknown>> =>
    fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), json, { maxKeys: 8 });

  test('so does any header and any payload, well signed', () => {
    const jwkLike = fc.oneof(
      objectLike(['kty', 'crv', 'x', 'y', 'n', 'e', 'd', '__proto__']),
      fc.record({
        kty: fc.constantFrom('EC', 'OKP', 'RSA', 'oct'),
        crv: fc.constantFrom('P-256', 'Ed25519', 'P-521'),
        x: fc.base64String(),
        y: fc.base64String(),
        n: fc.base64String(),
        e: fc.constantFrom('AQAB', 'AQ', ''),
      }),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          objectLike(['typ', 'alg', 'jwk', 'crit']),
          fc.record({ typ: fc.constant('dpop+jwt'), alg: fc.constantFrom(...PROOF_ALGORITHMS), jwk: jwkLike }),
        ),
        objectLike(['jti', 'htm', 'htu', 'iat', 'ath', 'nonce', 'exp']),
        (head, claims) => {
          for (const h of [head, header]) {
            const [headText, claimsText] = [toJson(h), toJson(claims)];
            if (headText === undefined || claimsText === undefined) return;
            const fault = verdict(signed(headText, claimsText));
            if (typeof fault !== 'string') expect(fault.jti).not.toBe('');
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('a refusal says which rule, in lower case, and repeats nothing of the proof', () => {
    const canary = 'canary4f1';
    for (const proof of [
      forge({ claims: { jti: canary.repeat(40) } }),
      forge({ header: { typ: canary } }),
      forge({ header: { alg: canary } }),
      forge({ header: { jwk: { kty: canary } } }),
      `${canary}.${canary}.${canary}`,
    ]) {
      let error: unknown;
      try {
        readProof(proof);
      } catch (caught) {
        error = caught;
      }
      expect(error).toBeInstanceOf(ProofError);
      expect((error as ProofError).code).toBe('invalid_proof');
      expect((error as ProofError).message).not.toContain(canary);
      expect((error as ProofError).description).toMatch(/^["a-z].*[^.]$/);
    }
  });
});

/** Other text for the same bytes: its last character has bits that no byte takes. */
function stray(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return text.slice(0, -1) + alphabet[alphabet.indexOf(text.at(-1)!) | 1]!;
}

function toJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined; // a bigint, or a value that refuses
  }
}
