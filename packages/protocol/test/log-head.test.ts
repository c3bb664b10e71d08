import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_LOG_HEAD_LENGTH, readLogHead } from '../src/index.ts';

const ROOT = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=';
const SIGNATURE = '— acme.example/01KAMZ3CT000000000000000AA/1/1 5Lm2dqNTTD+LHV1v4kXMOo==\n';
const HEAD = `acme.example/01KAMZ3CT000000000000000AA/1/1\n1042\n${ROOT}\n\n${SIGNATURE}`;

describe('a signed head', () => {
  test('says which log it is of and how long that is (C2SP tlog-checkpoint)', () => {
    expect(readLogHead(HEAD)).toEqual({ origin: 'acme.example/01KAMZ3CT000000000000000AA/1/1', size: 1042 });
    expect(readLogHead(HEAD + SIGNATURE)?.size).toBe(1042);
  });

  test.each([
    ['nothing', ''],
    ['no signature', HEAD.replace(SIGNATURE, '')],
    ['no empty line', HEAD.replace('\n\n', '\n')],
    ['an extension line', HEAD.replace('=\n\n', '=\nmore\n\n')],
    ['a size with a leading zero', HEAD.replace('1042', '01042')],
    ['a negative size', HEAD.replace('1042', '-1')],
    ['a size that no number holds', HEAD.replace('1042', '9007199254740993')],
    ['a root of another length', HEAD.replace(ROOT, 'AAAA')],
    ['an origin with a space', HEAD.replace('acme.example/', 'acme example/')],
    ['no newline at its end', HEAD.slice(0, -1)],
    ['more than is told', HEAD + SIGNATURE.repeat(40)],
  ])('a text with %s is none', (_why, text) => {
    expect(readLogHead(text)).toBeUndefined();
  });

  test('any text is read or is none', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(readLogHead(text)).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(fc.nat(), fc.stringMatching(/^[a-z./]{1,40}$/), (size, origin) => {
        expect(readLogHead(`${origin}\n${size}\n${ROOT}\n\n${SIGNATURE}`)).toEqual({ origin, size });
      }),
    );
    expect(readLogHead('x'.repeat(MAX_LOG_HEAD_LENGTH + 1))).toBeUndefined();
  });
});
