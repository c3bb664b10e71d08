import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  formatTilePath,
  formatTlogProof,
  logSigner,
  proveInclusion,
  signCheckpoint,
  tileHashReader,
} from '@tallystick/audit';
import { putFiles, tampered, writeLog, type WrittenLog } from '../../packages/audit/test/verify/log-on-disk.ts';
import { tamperedLog } from '../../packages/audit/test/verify/tampering.ts';
import { describeWithServers, requireServer } from '../servers/require-server.ts';

const VERIFIERS = join(import.meta.dirname, '../../packages/audit/verify');

const SMALL = tamperedLog(1000);
const LARGE = tamperedLog(70_000);
/** A full tile of level 1, or one of level 2. */
const HIGH = /tile\/(?:1\/000(?!\.p)|2\/)/;

interface Answer {
  readonly status: number;
  readonly output: string;
}

/** Runs a verifier, and returns its exit status with what it printed. */
type Verifier = (...args: string[]) => Promise<Answer>;

function runner(command: string, before: readonly string[]): Verifier {
  return (...args) =>
    new Promise((resolve, reject) => {
      execFile(command, [...before, ...args], (error, stdout, stderr) => {
        const status = error ? error.code : 0;
        // Anything else, as a crash of the interpreter, is no verdict.
        if (typeof status !== 'number' || stderr !== '') reject(error ?? new Error(stderr));
        else resolve({ status, output: stdout });
      });
    });
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tallystick-verifiers-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The same is asked of each verifier that is not ours. */
function suite(verifier: () => Verifier): void {
  const logFolder = (name: string, files: ReadonlyMap<string, Buffer>): string => {
    const path = mkdtempSync(join(folder, name));
    putFiles(path, files);
    return path;
  };

  test.each([0, 1, 2, 255, 256, 257, 65_537])('accepts a log of %i records', async (size) => {
    const log = writeLog(size, { anchored: [0, 1, 256, size] });
    const path = logFolder(`of-${size}-`, log.files);
    const { status, output } = await verifier()(path, log.vkey, join(path, 'checkpoint'));
    expect(output).toMatch(`integrity: holds: ${size} records of ${log.head.origin}`);
    expect(status).toBe(0);
  });

  describe.each([
    { ...SMALL, size: 1000 },
    // What only a larger log has.
    { ...LARGE, size: 70_000, tamperings: LARGE.tamperings.filter(({ found }) => HIGH.test(found.join())) },
  ])('of a log of $size records', ({ whole, tamperings }) => {
    let path: string;
    beforeAll(() => {
      path = logFolder('whole-', whole.files);
    });

    test('accepts it as it was written', async () => {
      expect(await verifier()(path, whole.vkey)).toMatchObject({ status: 0 });
    });

    test.each(tamperings)('refuses it after it was tampered with: $what', async ({ change }) => {
      const restore = replaceFiles(path, whole.files, tampered(whole, change).files);
      const { status, output } = await verifier()(path, whole.vkey);
      restore();
      expect(output).toMatch(/^FAILS: /);
      expect(status).toBe(1);
    });

    test('refuses it with the key of another log, and beside a head that it has not grown from', async () => {
      const other = writeLog(300);
      const head = join(folder, 'other-head');
      const forked = writeLog(300, { privateKey: whole.privateKey, recordAt: (i) => Buffer.from(`{"fork":${i}}`) });
      writeFileSync(head, forked.files.get('checkpoint')!);
      expect(await verifier()(path, other.vkey)).toMatchObject({ status: 1 });
      expect(await verifier()(path, whole.vkey, head)).toMatchObject({ status: 1 });
    });
  });

  describe('of the proof of a record', () => {
    const log = writeLog(600);
    const files = { proof: '', record: '' };
    let proof: Buffer;
    beforeAll(async () => {
      proof = await proofOf(log, 300);
      files.proof = join(folder, 'record.tlog-proof');
      files.record = join(folder, 'record.json');
    });
    const verifiedProof = (bytes: Uint8Array, record: Uint8Array): Promise<Answer> => {
      writeFileSync(files.proof, bytes);
      writeFileSync(files.record, record);
      return verifier()('--proof', files.proof, files.record, log.vkey);
    };

    test('accepts each of them', async () => {
      for (const index of [0, 300, 599]) {
        const { status, output } = await verifiedProof(await proofOf(log, index), log.records[index]!);
        expect(output).toMatch(`proof: holds: this is record ${index} of the 600`);
        expect(status).toBe(0);
      }
    });

    test('refuses it for another record', async () => {
      expect(await verifiedProof(proof, log.records[301]!)).toMatchObject({ status: 1 });
    });

    test('refuses it where a size is signed to which it does not lead', async () => {
      const only = writeLog(1, { privateKey: log.privateKey });
      const [record] = only.records;
      expect(await verifiedProof(await proofOf(only, 0), record!)).toMatchObject({ status: 0 });
      const signers = [logSigner({ name: only.head.origin, privateKey: only.privateKey })];
      const two = signCheckpoint({ ...only.head, size: 2 }, signers);
      expect(await verifiedProof(formatTlogProof({ index: 0, hashes: [], checkpoint: two }), record!)).toMatchObject({
        status: 1,
      });
      const second = formatTlogProof({ index: 1, hashes: [], checkpoint: only.files.get('checkpoint')! });
      expect(await verifiedProof(second, record!)).toMatchObject({ status: 1 });
    });

    test.each([
      ['another index', (text: string) => text.replace('index 300', 'index 301')],
      ['an index that the log has not', (text: string) => text.replace('index 300', 'index 600')],
      ['an index of two spellings', (text: string) => text.replace('index 300', 'index 0300')],
      ['another size', (text: string) => text.replace('\n600\n', '\n601\n')],
      ['a hash less', (text: string) => text.replace(/^(index.*\n)[^\n]+\n/m, '$1')],
      ['a hash more', (text: string) => text.replace(/^(index.*\n)([^\n]+\n)/m, '$1$2$2')],
      ['another header', (text: string) => text.replace('@v1', '@v2')],
      ['no checkpoint', (text: string) => text.slice(0, text.indexOf('\n\n'))],
      ['extra data that is none', (text: string) => text.replace('\nindex', '\nextra ?\nindex')],
    ])('refuses it with %s', async (_, change) => {
      const changed = change(proof.toString());
      expect(changed).not.toBe(proof.toString());
      expect(await verifiedProof(Buffer.from(changed), log.records[300]!)).toMatchObject({ status: 1 });
    });
  });

  test('says how it is used where it is called wrongly', async () => {
    await expect(verifier()()).rejects.toThrow(/verify/);
  });
}

describeWithServers(['python3', 'openssl'], 'the verifier in Python and openssl', () => {
  let python: string;
  beforeAll(() => {
    // The interpreter itself: what is on PATH may be a script that first looks for it, each time.
    python = execFileSync(requireServer('python3'), ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' });
  });
  suite(() => runner(python.trim(), [join(VERIFIERS, 'verify.py')]));
});

describeWithServers(['go'], 'the verifier in Go', () => {
  let binary: string;
  beforeAll(() => {
    binary = join(folder, 'verify');
    execFileSync(requireServer('go'), ['build', '-mod=readonly', '-trimpath', '-o', binary, '.'], {
      cwd: join(VERIFIERS, 'go'),
      env: { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local' },
    });
  }, 180_000);
  suite(() => runner(binary, []));

  test('depends on golang.org/x/mod alone', () => {
    const sum = readFileSync(join(VERIFIERS, 'go/go.sum'), 'utf8').trim().split('\n');
    expect(new Set(sum.map((line) => line.split(' ')[0]))).toEqual(new Set(['golang.org/x/mod']));
  });
});

async function proofOf(log: WrittenLog, index: number): Promise<Buffer> {
  const { size } = log.head;
  const read = tileHashReader(size, async (tile) => log.files.get(formatTilePath(tile))!);
  const hashes = await proveInclusion(index, size, read);
  return formatTlogProof({ index, hashes, checkpoint: log.files.get('checkpoint')! });
}

/** Changes a folder from one set of files to another, and returns what changes it back. */
function replaceFiles(path: string, from: ReadonlyMap<string, Buffer>, to: ReadonlyMap<string, Buffer>): () => void {
  for (const file of from.keys()) if (!to.has(file)) rmSync(join(path, file));
  const differs = ([file, bytes]: [string, Buffer]): boolean => !from.get(file)?.equals(bytes);
  putFiles(path, new Map([...to].filter(differs)));
  return () => {
    for (const file of to.keys()) if (!from.has(file)) rmSync(join(path, file));
    putFiles(path, new Map([...from].filter(([file, bytes]) => !to.get(file)?.equals(bytes))));
  };
}
