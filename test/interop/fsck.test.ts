import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { flip, putFiles, tampered, writeLog, type WrittenLog } from '../../packages/audit/test/verify/log-on-disk.ts';
import { describeWithServers, requireServer } from '../servers/require-server.ts';

/** A worker of fsck 1.0.4 ends with the first tile that fails; when all have ended, fsck waits for ever. */
const WORKERS = 8;

describeWithServers(['fsck'], 'Tessera’s fsck', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tallystick-fsck-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Returns what it says of a log. A failed check ends with status 0, so that what it prints is all that counts. */
  async function fsck(log: WrittenLog): Promise<string> {
    const path = mkdtempSync(join(folder, 'log-'));
    putFiles(path, log.files);
    const args = [`--storage_url=file://${path}/`, `--public_key=${join(path, 'vkey')}`, '--ui=false', `-N=${WORKERS}`];
    return (await promisify(execFile)(requireServer('fsck'), args, { timeout: 15_000, killSignal: 'SIGKILL' })).stderr;
  }

  test.each([1, 255, 256, 257, 65_537])('derives the root of a log of %i records', async (size) => {
    const log = writeLog(size);
    const root = Buffer.from(log.head.root).toString('base64');
    const said = await fsck(log);
    expect(said).toContain(`Successfully fsck'd log with size ${size} and root ${root}`);
    expect(said).not.toContain('fsck failed');
  });

  test.each([
    ['a byte of a record', (files: Map<string, Buffer>) => flip(files, 'tile/entries/001', 20)],
    ['a byte of a tile', (files: Map<string, Buffer>) => flip(files, 'tile/0/001', 20)],
    ['a byte of the last tile', (files: Map<string, Buffer>) => flip(files, 'tile/1/000.p/2', 20)],
    ['a bundle that is missing', (files: Map<string, Buffer>) => files.delete('tile/entries/001')],
    ['a byte of the checkpoint', (files: Map<string, Buffer>) => flip(files, 'checkpoint', 30)],
  ])('refuses a log after it was tampered with: %s', async (_, change) => {
    const said = await fsck(tampered(writeLog(600), change));
    expect(said).toContain('fsck failed');
    expect(said).not.toContain('Successfully');
  });
});
