import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatCheckpointBody,
  KEY_TYPE,
  logSigner,
  logVerifier,
  openCheckpoint,
  parseCheckpointBody,
  parseNote,
  parseVkey,
  publicNoteKey,
  signCheckpoint,
  signNote,
  formatNote,
} from '../../src/index.ts';
import { c2sp } from './c2sp.ts';
import { faultOf } from './fault-of.ts';

const ORIGIN = 'acme.example/sidecar-1/01/2026';
const key = { name: ORIGIN, privateKey: generateKeyPairSync('ed25519').privateKey };
const signer = logSigner(key);
const verifier = logVerifier(publicNoteKey(key, KEY_TYPE.ed25519));
const root = Buffer.alloc(32, 9);
const ROOT = root.toString('base64');

describe('the checkpoints of other logs', () => {
  test('of tlog-checkpoint says origin, size and root', () => {
    const { text } = parseNote(Buffer.from(c2sp.checkpoint));
    expect(parseCheckpointBody(text, 'refuse')).toEqual({
      origin: 'example.com/behind-the-sofa',
      size: 20_852_163,
      root: Buffer.from('CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=', 'base64'),
    });
  });

  test('of the Go checksum database is signed by its key, but its origin is not the name of the key', () => {
    const { vkey, note } = c2sp.goSum;
    expect(faultOf(() => openCheckpoint(Buffer.from(note), logVerifier(parseVkey(vkey)), 'refuse'))).toBe('origin');
    expect(parseCheckpointBody(parseNote(Buffer.from(note)).text, 'refuse').origin).toBe('go.sum database tree');
  });

  test('of a Certificate Transparency log, which its own key has signed among six', () => {
    const { log, note, size } = c2sp.real;
    expect(openCheckpoint(Buffer.from(note), logVerifier(parseVkey(log)), 'refuse')).toMatchObject({ size });
    const other = note.replace(String(size), String(size + 1));
    expect(faultOf(() => openCheckpoint(Buffer.from(other), logVerifier(parseVkey(log)), 'refuse'))).toBe('signature');
  });
});

describe('a checkpoint of ours', () => {
  test('is opened by the key that signed it', () => {
    const checkpoint = { origin: ORIGIN, size: 7, root };
    const bytes = signCheckpoint(checkpoint, [signer]);
    expect(bytes.toString()).toMatch(/^acme\.example\/sidecar-1\/01\/2026\n7\n.{44}\n\n— acme\.example\/.* .{92}\n$/);
    expect(openCheckpoint(bytes, verifier, 'refuse')).toMatchObject(checkpoint);
  });

  test('with any byte another is refused', () => {
    const bytes = signCheckpoint({ origin: ORIGIN, size: 7, root }, [signer]);
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      expect(faultOf(() => openCheckpoint(changed, verifier, 'tolerate'))).not.toBe('none');
    }
  });

  test('that another log has signed, or under another origin, is refused', () => {
    const other = { name: 'other.example', privateKey: key.privateKey };
    const stranger = signCheckpoint({ origin: ORIGIN, size: 7, root }, [logSigner(other)]);
    expect(faultOf(() => openCheckpoint(stranger, verifier, 'refuse'))).toBe('unsigned');
    const renamed = signCheckpoint({ origin: 'other.example', size: 7, root }, [signer]);
    expect(faultOf(() => openCheckpoint(renamed, verifier, 'refuse'))).toBe('origin');
  });

  test('has no extension lines; those of others are read over', () => {
    const text = `${ORIGIN}\n7\n${ROOT}\nextension\nanother one\n`;
    const bytes = formatNote(signNote(text, [signer]));
    expect(faultOf(() => openCheckpoint(bytes, verifier, 'refuse'))).toBe('extension');
    expect(openCheckpoint(bytes, verifier, 'tolerate')).toMatchObject({ origin: ORIGIN, size: 7, root });
  });

  test.each([
    ['a space in its origin', { origin: 'a b' }, 'origin'],
    ['a plus in its origin', { origin: 'a+b' }, 'origin'],
    ['a line more in its origin', { origin: 'a\n9' }, 'origin'],
    ['no origin', { origin: '' }, 'origin'],
    ['a size that is no integer', { size: 1.5 }, 'size'],
    ['a size that JavaScript rounds', { size: 2 ** 53 }, 'size'],
    ['a negative size', { size: -1 }, 'size'],
    ['a root of 31 bytes', { root: root.subarray(1) }, 'hash'],
  ] as const)('is not made with %s', (_what, change, fault) => {
    expect(faultOf(() => formatCheckpointBody({ origin: ORIGIN, size: 7, root, ...change }))).toBe(fault);
  });

  test('is read back as it was written', () => {
    const origin = fc.stringMatching(/^[a-z0-9./é:-]{1,30}$/);
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.record({ origin, size: fc.maxSafeNat(), root: hash }), (checkpoint) => {
        expect(parseCheckpointBody(formatCheckpointBody(checkpoint), 'refuse')).toEqual(checkpoint);
      }),
    );
  });
});

describe('the text of a checkpoint (tlog-checkpoint, Note text)', () => {
  test.each([
    ['is empty', ''],
    ['is a newline', '\n'],
    ['has two lines', `a\n7\n`],
    ['has no origin', `\n7\n${ROOT}\n`],
    ['has no newline at its end', `a\n7\n${ROOT}`],
    ['has an extension line without a newline', `a\n7\n${ROOT}\nextension`],
    ['has a size with a leading zero', `a\n07\n${ROOT}\n`],
    ['has a size with a sign', `a\n+7\n${ROOT}\n`],
    ['has no size', `a\n\n${ROOT}\n`],
    ['has a size that is no decimal', `a\n7e1\n${ROOT}\n`],
    ['has a size that JavaScript rounds', `a\n9007199254740992\n${ROOT}\n`],
    ['has a size of 20 digits', `a\n18446744073709551615\n${ROOT}\n`],
    ['has a root of 31 bytes', `a\n7\n${root.subarray(1).toString('base64')}\n`],
    ['has a root of 33 bytes', `a\n7\n${Buffer.alloc(33).toString('base64')}\n`],
    ['has a root that is no base64', `a\n7\n${'!'.repeat(44)}\n`],
    ['has a root with bits to spare', `a\n7\n${ROOT.slice(0, -2)}l=\n`],
    ['has an empty extension line', `a\n7\n${ROOT}\nx\n\ny\n`],
    ['ends with an empty extension line', `a\n7\n${ROOT}\n\n`],
  ])('that %s is refused', (_what, text) => {
    expect(faultOf(() => parseCheckpointBody(text, 'tolerate'))).toBe('checkpoint');
  });

  test('may be that of an empty tree', () => {
    expect(parseCheckpointBody(`a\n0\n${ROOT}\n`, 'refuse').size).toBe(0);
  });
});
