import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TallystickError } from '@tallystick/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { inWorkers, logFolder, verifyExitCode, type WorkerRanges, type WorkerRangesOptions } from '../../src/index.ts';
import { flip, putFiles, tampered, writeLog } from './log-on-disk.ts';
import { found, verified } from './verified.ts';

describe('a log as it was written', () => {
  test.each([0, 1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_000])(
    'holds with %i records, and is not shown to be complete',
    async (size) => {
      const log = writeLog(size, { anchored: [0, 1, 255, 256, 300, size] });
      const report = await verified(log);
      expect(found(report)).toEqual([]);
      expect(report).toMatchObject({
        level: 'full',
        head: { size, root: Buffer.from(log.head.root).toString('base64') },
        integrity: { verdict: 'holds', count: 0 },
        completeness: { verdict: 'not_shown' },
        rollback: 'undetectable',
        anchor: null,
      });
      expect(report.earlierHeads).toBe(new Set([0, 1, 255, 256, 300, size].filter((each) => each <= size)).size);
      expect(verifyExitCode(report)).toBe(3);
    },
  );

  test('holds where partial tiles are gone because the full ones have replaced them', async () => {
    const log = writeLog(512);
    const older = writeLog(300, { privateKey: log.privateKey });
    const files = new Map([...log.files, ['checkpoint', older.files.get('checkpoint')!] as const]);
    files.delete('tile/1/000.p/2');
    files.set('tile/1/000.p/1', older.files.get('tile/1/000.p/1')!);
    expect(await verified({ ...log, files })).toMatchObject({ integrity: { verdict: 'holds' }, head: { size: 300 } });
  });

  test('says nothing of integrity where only its signature was verified', async () => {
    const report = await verified(writeLog(3), { level: 'signature' });
    expect(report).toMatchObject({ integrity: { verdict: 'not_shown' }, completeness: { verdict: 'not_shown' } });
    expect(report.completeness.findings.map(({ code }) => code)).toContain('not_derived');
    expect(verifyExitCode(report)).toBe(3);
  });

  test('is a report of JSON', async () => {
    const report = await verified(writeLog(300, { anchored: [7] }));
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
});

describe('in threads', () => {
  /** Three ranges of 16 bundles and a partial one. */
  const log = writeLog(3 * 16 * 256 + 77);
  const onDisk = (files: ReadonlyMap<string, Buffer>): string => {
    const folder = mkdtempSync(join(tmpdir(), 'tallystick-verify-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    putFiles(folder, files);
    return folder;
  };

  const inThreads = (folder: string, options: Partial<WorkerRangesOptions> = {}): WorkerRanges => {
    const ranges = inWorkers({ folder, threads: 2, ...options });
    onTestFinished(() => ranges[Symbol.asyncDispose]());
    return ranges;
  };

  test('a log is judged as in this one, and every record is shown in its order', async () => {
    const folder = onDisk(log.files);
    const ranges = inThreads(folder);
    const seen: Buffer[] = [];
    const judge = {
      onRecord(index: number, record: Uint8Array) {
        expect(index).toBe(seen.length);
        seen.push(Buffer.from(record));
      },
      findings: () => [],
    };
    const report = await verified(log, { readFile: logFolder(folder), ranges, judgeOf: () => judge });
    expect(report).toEqual(await verified(log));
    expect(seen.length).toBe(log.records.length);
    expect(seen.every((record, i) => record.equals(log.records[i]!))).toBe(true);
  });

  test('a changed record and a changed tile are named as in this one', async () => {
    const bad = tampered(log, (files) => {
      flip(files, 'tile/entries/021', 100);
      flip(files, 'tile/0/040', 33);
      files.delete('tile/entries/044');
    });
    const folder = onDisk(bad.files);
    const ranges = inThreads(folder);
    const report = await verified(bad, { readFile: logFolder(folder), ranges });
    expect(report).toEqual(await verified(bad));
    expect(report.integrity.count).toBe(3);
  });

  test('what a thread cannot read is the error that it is in this one', async () => {
    const folder = onDisk(log.files);
    const ranges = inThreads(folder);
    const tile = join(folder, 'tile/0/020');
    rmSync(tile);
    mkdirSync(tile);
    const range = { first: 16, count: 16, withBundles: false };
    const refused = await ranges.derive(range).catch((error: unknown) => error);
    expect(TallystickError.is(refused)).toBe(true);
    expect(refused).toMatchObject({ code: 'log_invalid' });
    rmSync(tile, { recursive: true });
    symlinkSync('020', tile);
    await expect(ranges.derive(range)).rejects.toMatchObject({ code: 'ELOOP' });
  });

  test('a thread that cannot be started is an error, not a verdict', async () => {
    const program = new URL('no-such-module.js', import.meta.url);
    const ranges = inThreads(onDisk(log.files), { program });
    await expect(verified(log, { ranges })).rejects.toThrow('no-such-module');
  });
});
