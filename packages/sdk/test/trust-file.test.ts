import { chmodSync, chownSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TallystickError } from '@tallystick/core';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { judgeTrustFile, type TrustFacts } from '../src/judge-trust-file.ts';
import { readTrustFile } from '../src/read-trust-file.ts';
import { parseTrustFile } from '../src/trust-file.ts';

const FILE = {
  issuer: 'https://tallystick.acme.example',
  replyKeys: ['NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs'],
  identity: 'spiffe://acme.example/payments/close-batch',
  authorizationServers: ['https://sso.other.example/token'],
};
const refused = { code: 'config_invalid', message: expect.stringMatching(/^config_invalid: .*\/t\b/) as string };

describe('the text of a trust file', () => {
  test('is read', () => {
    expect(parseTrustFile(JSON.stringify(FILE), '/t')).toEqual(FILE);
    const { issuer, replyKeys } = FILE;
    const least = parseTrustFile(JSON.stringify({ issuer, replyKeys }), '/t');
    expect(least).toEqual({ issuer, replyKeys, identity: undefined, authorizationServers: [] });
  });

  test.each([
    ['no issuer', { issuer: undefined }],
    ['an issuer that is no URL', { issuer: 'acme' }],
    ['no keys', { replyKeys: undefined }],
    ['an empty list of keys', { replyKeys: [] }],
    ['a key that is no thumbprint', { replyKeys: ['x'] }],
    ['keys that are no list', { replyKeys: FILE.replyKeys[0] }],
    ['an identity that is none', { identity: 'close-batch' }],
    ['servers that are no list', { authorizationServers: 'https://x.example/' }],
    ['a member that was meant to bind, and is not known', { identities: [] }],
  ])('is refused with %s', (_, change) => {
    expect(() => parseTrustFile(JSON.stringify({ ...FILE, ...change }), '/t')).toThrow(
      expect.objectContaining(refused),
    );
  });

  test('is refused, in words of ours, whatever it is', () => {
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .dictionary(fc.constantFrom(...Object.keys(FILE)), fc.jsonValue())
        .map((members) => JSON.stringify({ ...FILE, ...members })),
    );
    fc.assert(
      fc.property(text, (garbage) => {
        try {
          parseTrustFile(garbage, '/t');
        } catch (error) {
          if (!TallystickError.is(error)) throw error;
        }
      }),
    );
  });
});

describe('who could have written a trust file', () => {
  const facts = (path: string, change: Partial<TrustFacts> = {}): TrustFacts => ({
    path,
    uid: 0,
    mode: 0o40755,
    readOnly: false,
    ...change,
  });
  const SELF = 1000;
  const judge = (file: Partial<TrustFacts>, folder: Partial<TrustFacts> = {}, selfUid = SELF): string | undefined =>
    judgeTrustFile(facts('/etc/t', { mode: 0o100644, ...file }), [facts('/'), facts('/etc', folder)], selfUid);

  test.each<[who: string, file: Partial<TrustFacts>, folder: Partial<TrustFacts>]>([
    ['root alone', {}, {}],
    ['another user', { uid: 7 }, { uid: 7 }],
    ['nobody, on a read-only mount', { uid: SELF, mode: 0o100666, readOnly: true }, { mode: 0o40777, readOnly: true }],
    ['root, in a folder of all that is sticky', {}, { mode: 0o41777 }],
  ])('%s: it is taken', (_, file, folder) => {
    expect(judge(file, folder)).toBeUndefined();
  });

  test.each<[who: string, file: Partial<TrustFacts>, folder: Partial<TrustFacts>]>([
    ['we', { uid: SELF, mode: 0o100444 }, {}],
    ['its group', { mode: 0o100664 }, {}],
    ['everybody', { mode: 0o100646 }, {}],
    ['we, by its folder', {}, { uid: SELF }],
    ['everybody, by its folder', {}, { mode: 0o40777 }],
    ['the group of its folder', {}, { mode: 0o40775 }],
    ['another, in a sticky folder that is not theirs', { uid: 7 }, { mode: 0o41777 }],
  ])('%s: it is refused', (_, file, folder) => {
    expect(judge(file, folder)).toBeTypeOf('string');
  });

  test('for root it counts what others can do', () => {
    expect(judge({}, {}, 0)).toBeUndefined();
    expect(judge({ mode: 0o100666 }, {}, 0)).toBeTypeOf('string');
    expect(judge({}, { mode: 0o40777 }, 0)).toBeTypeOf('string');
  });
});

describe('a trust file on a disk', () => {
  const nobody = 65_534;

  function written(mode = 0o644): string {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'trust-')));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    chmodSync(folder, 0o755);
    const path = join(folder, 't');
    writeFileSync(path, 'text');
    chmodSync(path, mode);
    return path;
  }

  // In a sticky folder of all, only what belongs to root cannot have been put there by another.
  const asRoot = test.skipIf(process.getuid!() !== 0);

  asRoot('is read where another user wrote it, also behind a link', () => {
    const path = written();
    symlinkSync(path, `${path}.link`);
    expect(readTrustFile(path, nobody)).toBe('text');
    expect(readTrustFile(`${path}.link`, nobody)).toBe('text');
  });

  test('is refused where all can write to it, where there is none, and where it is a folder', () => {
    const path = written(0o666);
    for (const bad of [path, `${path}.none`, join(path, '..'), 't']) {
      expect(() => readTrustFile(bad, nobody)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
    }
  });

  test('is refused where this process is its owner', () => {
    const path = written(0o444);
    const root = process.getuid!() === 0;
    if (root) chownSync(path, nobody, nobody);
    expect(() => readTrustFile(path, root ? nobody : process.getuid!())).toThrow(/belongs to the user of this process/);
  });
});
