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

const SIDECAR = 'acme.example/sidecar-1';

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

  test('names the record that was changed, also to who has a head that the log has then not grown from', async () => {
    const log = writeLog(300, { anchored: [291] });
    const changed = tampered(log, (files) => {
      const bundle = files.get('tile/entries/001.p/44')!;
      bundle[bundle.indexOf(log.records[290]!) + 2]! ^= 1;
    });
    const path = logFolder('named-', changed.files);
    const { status, output } = await verifier()(path, log.vkey, join(path, 'checkpoint'));
    expect(output).toMatch(/^FAILS: .*\brecord 290\b/);
    expect(status).toBe(1);
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

  describe('of all logs of a sidecar', () => {
    const first = shardOf('1/1', 300, null, '1/2');
    const second = shardOf('1/2', 20, first.head);
    const third = shardOf('2/1', 5, second.head);
    const keys = [first, second, third].map(({ vkey }) => vkey);
    const verified = (
      logs: Readonly<Record<string, WrittenLog>>,
      lines: readonly string[] = keys,
      ...heads: string[]
    ): Promise<Answer> => {
      const path = mkdtempSync(join(folder, 'logs-'));
      for (const [place, { files }] of Object.entries(logs)) putFiles(join(path, place), files);
      writeFileSync(join(path, 'keys'), `${lines.join('\n')}\n`);
      return verifier()(path, join(path, 'keys'), ...heads);
    };
    const all = { '1/1': first, '1/2': second, '2/1': third };

    test('accepts them, each with its own key, from a file of keys or a policy', async () => {
      const { status, output } = await verified(all);
      expect(output).toMatch(/^integrity: holds: 300 [^]*\nlinks: hold: 3 logs\n$/);
      expect(status).toBe(0);
      const policy = ['# of security', ...keys.map((vkey) => `log ${vkey}`), 'witness w x+00000000+AA', 'quorum none'];
      expect(await verified(all, policy)).toMatchObject({ status: 0 });
    });

    test('says which are not there: the oldest, or the one that follows', async () => {
      const { '1/1': _, ...later } = all;
      expect((await verified(later)).output).toMatch(/links: hold: 2 logs; not there: earlier logs, from \S+\/1\/1 on/);
      const { status, output } = await verified({ '1/1': first });
      expect(output).toMatch(/links: hold: 1 logs; not there: \S+\/1\/2\n$/);
      expect(status).toBe(0);
    });

    test('takes heads of each of them, and refuses one of a log that is not there', async () => {
      const head = join(folder, 'head-of-1-1');
      writeFileSync(head, first.files.get('checkpoint')!);
      expect(await verified(all, keys, head)).toMatchObject({ status: 0 });
      const { '1/1': _, ...later } = all;
      expect(await verified(later, keys, head)).toMatchObject({ status: 1 });
    });

    const forked = shardOf('1/1', 300, null, '1/2', first);
    test.each<[string, Readonly<Record<string, WrittenLog>>, (readonly string[])?]>([
      ['one between them is missing', { '1/1': first, '2/1': third }],
      ['an earlier one is another than the one that was carried on', { ...all, '1/1': forked }],
      ['two carry on from the same', { ...all, '1/3': shardOf('1/3', 4, first.head) }],
      ['one begins with nothing of the log before', { ...all, '2/2': shardOf('2/2', 4, null) }],
      ['one begins with another record', { ...all, '2/2': writeLog(4, { origin: `${SIDECAR}/2/2` }) }],
      ['one lies in the folder of another', { '1/1': first, '1/3': second }],
      [
        'one has a tile that was changed',
        { ...all, '1/2': tampered(second, (files) => void files.set('tile/0/000.p/20', Buffer.alloc(640))) },
      ],
      ['there is no key for one', all, keys.slice(1)],
      ['there is none', {}],
    ])('refuses them where %s', async (_, logs, lines) => {
      const more = Object.values(logs).map(({ vkey }) => vkey);
      const { status, output } = await verified(logs, lines ?? [...new Set([...keys, ...more])]);
      expect(output).toMatch(/^FAILS: /m);
      expect(status).toBe(1);
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

/** Returns a shard that carries on from another, and says which one follows; with the key of `like`, and other records. */
function shardOf(
  path: string,
  size: number,
  previous: WrittenLog['head'] | null,
  next?: string,
  like?: WrittenLog,
): WrittenLog {
  const line = (type: string, body: object): Buffer => Buffer.from(JSON.stringify({ body, type }));
  const carried = previous && { ...previous, root: Buffer.from(previous.root).toString('base64') };
  const opened = line(path.endsWith('/1') ? 'log.genesis' : 'log.shard_opened', { previous: carried });
  const closed = next === undefined ? undefined : line('log.shard_closed', { next: `${SIDECAR}/${next}` });
  return writeLog(size, {
    origin: `${SIDECAR}/${path}`,
    ...(like && { privateKey: like.privateKey }),
    recordAt(i) {
      if (i === 0) return opened;
      return (i === size - 1 && closed) || Buffer.from(JSON.stringify({ seq: i, like: like !== undefined }));
    },
  });
}

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
