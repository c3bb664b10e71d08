import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  cosigner,
  formatVkey,
  KEY_TYPE,
  logSigner,
  parseTlogPolicy,
  policyOfVkeys,
  publicNoteKey,
  signCheckpoint,
  verifyExitCode,
  type NotePrivateKey,
  type NoteSigner,
} from '../../src/index.ts';
import { flip, tampered, writeLog, type WrittenLog } from './log-on-disk.ts';
import { found, NOW, verified } from './verified.ts';

const HOUR = 3_600_000;
const privateKeyOf = (): KeyObject => generateKeyPairSync('ed25519').privateKey;
const first: NotePrivateKey = { name: 'one.example', privateKey: privateKeyOf() };
const second: NotePrivateKey = { name: 'two.example', privateKey: privateKeyOf() };
const at = (witness: NotePrivateKey, msAgo: number): NoteSigner => cosigner(witness, () => (NOW - msAgo) / 1000);

function policyOf(log: WrittenLog, quorum: 'any' | 'all') {
  const [one, two] = [first, second].map((key) => formatVkey(publicNoteKey(key, KEY_TYPE.cosignature)));
  const lines = [
    `log ${log.vkey}`,
    `witness 1 ${one}`,
    `witness 2 ${two}`,
    `group both ${quorum} 1 2`,
    'quorum both',
    '',
  ];
  return parseTlogPolicy(Buffer.from(lines.join('\n')));
}

describe('completeness', () => {
  test('holds where the quorum has cosigned a head within the last day', async () => {
    const log = writeLog(300, { anchored: [256], witnesses: [at(first, HOUR), at(second, 2 * HOUR)] });
    const unwitnessed = tampered(log, (files) =>
      files.set('checkpoint', writeLog(300, { privateKey: log.privateKey }).files.get('checkpoint')!),
    );
    const report = await verified(unwitnessed, { policy: policyOf(log, 'all') });
    expect(report).toMatchObject({
      completeness: { verdict: 'holds', count: 0 },
      rollback: 'detectable',
      // Both of them have vouched for it since the earlier of the two times.
      anchor: { size: 256, timeMs: NOW - 2 * HOUR, ageMs: 2 * HOUR, recordsSince: 44 },
    });
    expect(verifyExitCode(report)).toBe(0);
  });

  test('is of the newest anchor', async () => {
    const log = writeLog(300, { anchored: [1, 200, 256], witnesses: [at(first, HOUR)] });
    expect(await verified(log, { policy: policyOf(log, 'any') })).toMatchObject({ anchor: { size: 300 } });
  });

  test('is not shown where too few of the quorum have cosigned', async () => {
    const log = writeLog(300, { anchored: [256], witnesses: [at(first, HOUR)] });
    const report = await verified(log, { policy: policyOf(log, 'all') });
    expect(report.completeness.findings.map(({ code }) => code)).toEqual(['quorum_missing', 'rollback_undetectable']);
    expect(report).toMatchObject({ rollback: 'undetectable', anchor: null, integrity: { verdict: 'holds' } });
    expect(verifyExitCode(report)).toBe(3);
  });

  test('is not shown where the newest anchor is older than a day, or than was asked for', async () => {
    const log = writeLog(300, { witnesses: [at(first, 25 * HOUR)] });
    const policy = policyOf(log, 'any');
    expect(found(await verified(log, { policy }))).toEqual(['anchor_old']);
    expect(found(await verified(log, { policy, maxAnchorAgeMs: 26 * HOUR }))).toEqual([]);
  });

  test('a cosignature that is wrong speaks against integrity', async () => {
    const log = writeLog(300, { witnesses: [at(first, HOUR)] });
    const forged = { name: first.name, privateKey: first.privateKey };
    const wrong = tampered(log, (files) => {
      const signer = { ...at(forged, HOUR), sign: () => Buffer.alloc(72) };
      const log1 = logSigner({ name: log.head.origin, privateKey: log.privateKey });
      files.set('checkpoint', signCheckpoint(log.head, [log1, signer]));
    });
    expect(found(await verified(wrong, { policy: policyOf(log, 'any') }))).toContain(
      'checkpoint_refused checkpoint signature',
    );
  });

  test('fails where a record is missing by what the judge of records says, and speaks of its rule', async () => {
    const log = writeLog(3);
    const judge = {
      onRecord: () => undefined,
      findings: () => [
        { verdict: 'completeness', rule: 'heartbeat_gap', record: 2, detail: 'silent for an hour' } as const,
        { verdict: 'integrity', rule: 'time_backwards', detail: 'time went back' } as const,
      ],
    };
    const report = await verified(log, { judgeOf: () => judge });
    expect(found(report)).toEqual(['record_rule time_backwards', 'record_gap record 2 heartbeat_gap']);
    expect(verifyExitCode(report)).toBe(1);
  });
});

describe('a head that was kept outside the log', () => {
  const log = writeLog(300);
  const kept = (size: number): Uint8Array => writeLog(size, { privateKey: log.privateKey }).files.get('checkpoint')!;

  test.each([0, 1, 255, 256, 299, 300])('of %i records is one that the log has grown from', async (size) => {
    const report = await verified(log, { from: { checkpoint: kept(size), timeMs: NOW - HOUR } });
    expect(found(report)).toEqual([]);
    expect(report).toMatchObject({ anchor: { size, ageMs: HOUR, recordsSince: 300 - size }, rollback: 'detectable' });
    expect(verifyExitCode(report)).toBe(0);
  });

  test('of an unknown time does not say how old it is', async () => {
    const report = await verified(log, { from: { checkpoint: kept(256) } });
    expect(report).toMatchObject({ anchor: { timeMs: null, ageMs: null }, completeness: { verdict: 'not_shown' } });
  });

  test('of more records than the log has shows that some were taken back', async () => {
    const report = await verified(log, { from: { checkpoint: kept(301), timeMs: NOW } });
    expect(found(report)).toEqual(['rolled_back']);
    expect(report).toMatchObject({ integrity: { verdict: 'holds' }, completeness: { verdict: 'fails' }, anchor: null });
    expect(verifyExitCode(report)).toBe(1);
  });

  test('of another history is found with the signature alone', async () => {
    const forked = writeLog(200, { privateKey: log.privateKey, recordAt: (i) => Buffer.from(`{"fork":${i}}`) });
    const from = { checkpoint: forked.files.get('checkpoint')!, timeMs: NOW };
    for (const level of ['signature', 'full'] as const) {
      expect(found(await verified(log, { from, level }))).toEqual(['head_inconsistent consistency']);
    }
  });

  test('of no records but with a root is no head of the log', async () => {
    const signer = logSigner({ name: log.head.origin, privateKey: log.privateKey });
    const checkpoint = signCheckpoint({ ...log.head, size: 0 }, [signer]);
    expect(found(await verified(log, { from: { checkpoint } }))).toContain('head_inconsistent consistency');
  });

  test('of another log is refused, though its key is trusted', async () => {
    const other = writeLog(3, { origin: 'acme.example/sidecar-2/1/1' });
    const policy = policyOfVkeys([log.vkey, other.vkey]);
    const from = { checkpoint: other.files.get('checkpoint')!, timeMs: NOW };
    expect(found(await verified(log, { from, policy }))).toEqual(['head_refused origin']);
  });

  test('is not blamed for a tile that was changed', async () => {
    const bad = tampered(log, (files) => flip(files, 'tile/0/000', 3));
    expect(found(await verified(bad, { from: { checkpoint: kept(200), timeMs: NOW } }))).toEqual([
      'tile_changed tile/0/000',
    ]);
  });
});
