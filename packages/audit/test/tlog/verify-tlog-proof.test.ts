import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  cosigner,
  formatNote,
  formatTlogProof,
  formatVkey,
  judgeCheckpoint,
  KEY_TYPE,
  logSigner,
  parseNote,
  parseTlogPolicy,
  parseTlogProof,
  proveInclusion,
  publicNoteKey,
  signatureOf,
  signCheckpoint,
  tileHashReader,
  verifyTlogProof,
  type NoteSigner,
} from '../../src/index.ts';
import { c2sp } from './c2sp.ts';
import { faultOf } from './fault-of.ts';
import { memoryLog } from './memory-log.ts';

const log = memoryLog(300);
const key = (name: string) => ({ name, privateKey: generateKeyPairSync('ed25519').privateKey });
const [logKey, w1, w2, w3] = [key('log.example'), key('w1.example'), key('w2.example'), key('w3.example')];
const [first, second, third] = [w1, w2, w3].map((each) => cosigner(each, () => 1_700_000_000)) as [
  NoteSigner,
  NoteSigner,
  NoteSigner,
];
const policy = parseTlogPolicy(
  Buffer.from(`log ${formatVkey(publicNoteKey(logKey, KEY_TYPE.ed25519))}
witness one ${formatVkey(publicNoteKey(w1, KEY_TYPE.cosignature))}
witness two ${formatVkey(publicNoteKey(w2, KEY_TYPE.cosignature))}
group both all one two
quorum both
`),
);

function checkpointOf(cosigners: readonly NoteSigner[], origin = logKey.name): Buffer {
  const note = parseNote(signCheckpoint({ origin, size: log.size, root: log.root }, [logSigner(logKey)]));
  return formatNote({
    ...note,
    signatures: [...note.signatures, ...cosigners.map((each) => signatureOf(each, note.text))],
  });
}

async function proofOf(index: number, checkpoint: Buffer): Promise<Buffer> {
  const hashes = await proveInclusion(index, log.size, tileHashReader(log.size, log.readTile));
  return formatTlogProof({ index, hashes, checkpoint });
}

describe('verifying a proof that was kept (tlog-proof, Verifying a tlog proof)', () => {
  test('accepts a leaf under a head that the log signed and the quorum witnessed, and says who and when', async () => {
    const proof = parseTlogProof(await proofOf(42, checkpointOf([first, second, third])));
    expect(verifyTlogProof(proof, log.leafHashes[42]!, policy, 'refuse')).toEqual({
      origin: 'log.example',
      size: 300,
      root: log.root,
      cosignatures: [
        { witness: 'one', time: 1_700_000_000 },
        { witness: 'two', time: 1_700_000_000 },
      ],
    });
  });

  test('refuses another leaf, and another index', async () => {
    const proof = parseTlogProof(await proofOf(42, checkpointOf([first, second])));
    expect(faultOf(() => verifyTlogProof(proof, log.leafHashes[43]!, policy, 'refuse'))).toBe('inclusion');
    const moved = { ...proof, index: 43 };
    expect(faultOf(() => verifyTlogProof(moved, log.leafHashes[42]!, policy, 'refuse'))).toBe('inclusion');
  });

  test('refuses every file of which a byte is another', async () => {
    const bytes = await proofOf(42, checkpointOf([first, second]));
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      expect(faultOf(() => verifyTlogProof(parseTlogProof(changed), log.leafHashes[42]!, policy, 'refuse'))).not.toBe(
        'none',
      );
    }
  });
});

describe('judging a checkpoint by a policy (tlog-policy)', () => {
  const faultOfCheckpoint = (bytes: Buffer) => faultOf(() => judgeCheckpoint(bytes, policy, 'refuse'));

  test('asks for the whole quorum: strangers and a witness that cosigned twice do not count', () => {
    expect(faultOfCheckpoint(checkpointOf([first, second]))).toBe('none');
    expect(faultOfCheckpoint(checkpointOf([first]))).toBe('quorum');
    expect(faultOfCheckpoint(checkpointOf([first, first, third]))).toBe('quorum');
    expect(faultOfCheckpoint(checkpointOf([]))).toBe('quorum');
  });

  test('refuses a wrong cosignature of a witness, even beyond the quorum', () => {
    const note = parseNote(checkpointOf([first, second, first]));
    const spoiled = note.signatures.with(3, { ...note.signatures[3]!, bytes: Buffer.alloc(72, 1) });
    expect(faultOfCheckpoint(formatNote({ ...note, signatures: spoiled }))).toBe('signature');
  });

  test('asks for the signature of a log of the policy, named like the origin', () => {
    expect(faultOfCheckpoint(checkpointOf([first, second], 'other.example'))).toBe('origin');
    const note = parseNote(checkpointOf([first, second]));
    expect(faultOfCheckpoint(formatNote({ ...note, signatures: note.signatures.slice(1) }))).toBe('unsigned');
    const noLogs = parseTlogPolicy(Buffer.from('quorum none\n'));
    expect(faultOf(() => judgeCheckpoint(checkpointOf([]), noLogs, 'refuse'))).toBe('origin');
  });

  test('refuses extension lines where they are to be refused', () => {
    const text = `${parseNote(checkpointOf([])).text}extension\n`;
    const bytes = formatNote({
      text,
      signatures: [logSigner(logKey), first, second].map((each) => signatureOf(each, text)),
    });
    expect(faultOfCheckpoint(bytes)).toBe('extension');
    expect(judgeCheckpoint(bytes, policy, 'tolerate').size).toBe(300);
  });

  test('accepts the head of a Certificate Transparency log by one of its witnesses', () => {
    const { log: vkey, witness, note, size } = c2sp.real;
    const real = parseTlogPolicy(Buffer.from(`log ${vkey}\nwitness remora ${witness}\nquorum remora\n`));
    expect(judgeCheckpoint(Buffer.from(note), real, 'refuse')).toMatchObject({
      size,
      cosignatures: [{ witness: 'remora', time: 0x6a122120 }],
    });
  });
});
