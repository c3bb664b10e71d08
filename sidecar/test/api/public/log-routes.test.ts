import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { logVerifier, openCheckpoint, parseVkey, readRoot, tileHashReader } from '@tallystick/audit';
import { describe, expect, test } from 'vitest';
import type { Answer } from '../../../src/api/answer.ts';
import { logRoutes, type LogRoutes } from '../../../src/api/public/log-routes.ts';
import { createPublishedLogs } from '../../../src/record/published-logs.ts';
import type { OpenedRecorder } from '../../../src/record/opened-recorder.ts';
import { temporaryFolder } from '../../listen/temporary-folder.ts';
import { openedRecorder, SIDECAR, stopped } from '../../record/opened-recorder.ts';

interface Shown {
  readonly folder: string;
  readonly recorder: OpenedRecorder;
  readonly ask: (path: string, ifNoneMatch?: string) => ReturnType<LogRoutes>;
  /** Where its records are read: in no answer. */
  readonly canary: string;
}

/** A log of two shards, as it stands when the sidecar ends: 300 records, then some. */
async function twoShards(): Promise<Shown> {
  const folder = temporaryFolder();
  const recorder = await openedRecorder(folder, { shardRecords: 300 });
  recorder.startCutting({ identities: [], isSuspended: () => false, leases: () => [], onCut: () => {} });
  const canary = 'a-cause-that-is-for-nobody-outside';
  while (recorder.place.shard === 1)
    await Promise.all(Array.from({ length: 100 }, () => recorder.append(stopped(canary))));
  await recorder.close();
  const routes = logRoutes(createPublishedLogs({ folder, recorder }));
  return { folder, recorder, ask: (path, ifNoneMatch) => routes(path, ifNoneMatch), canary };
}

const bytesOf = (answer: Answer | undefined): Buffer => Buffer.from(answer!.body as Buffer);
const headersOf = (answer: Answer | undefined) => ({ type: answer!.type, ...answer!.headers });

describe('below /log/ the public listener', () => {
  test('lists each log by its origin and key, and says which one takes records', async () => {
    const { folder, ask } = await twoShards();
    const answer = await ask('/log/');
    const vkey = (place: string) => readFileSync(join(folder, place, 'vkey'), 'utf8').trim();
    const origin = `acme.example/${SIDECAR}`;
    expect(JSON.parse(String(answer!.body))).toEqual({
      logs: [
        { origin: `${origin}/1/1`, vkey: vkey('1/1'), path: '/log/1/1', closed: true },
        { origin: `${origin}/1/2`, vkey: vkey('1/2'), path: '/log/1/2', closed: false },
      ],
    });
    expect(headersOf(answer)).toEqual({ type: 'application/json', 'cache-control': 'no-cache' });
  });

  test('gives the signed head of each log, byte for byte, and not again to who has it', async () => {
    const { folder, ask } = await twoShards();
    for (const place of ['1/1', '1/2']) {
      const answer = await ask(`/log/${place}/checkpoint`);
      expect(bytesOf(answer)).toEqual(readFileSync(join(folder, place, 'checkpoint')));
      const { etag, ...headers } = headersOf(answer) as Record<string, string>;
      expect(headers).toEqual({ type: 'text/plain; charset=utf-8', 'cache-control': 'no-cache' });
      expect(await ask(`/log/${place}/checkpoint`, etag)).toMatchObject({ status: 304, body: '', headers: { etag } });
      expect(await ask(`/log/${place}/checkpoint`, '"x"')).toMatchObject({ status: 200 });
    }
  });

  test('gives the hashes that the head of each log is over, and has them cached as long as they are asked for', async () => {
    const { folder, ask } = await twoShards();
    for (const place of ['1/1', '1/2']) {
      const verifier = logVerifier(parseVkey(readFileSync(join(folder, place, 'vkey'), 'utf8').trim()));
      const { size, root } = openCheckpoint(bytesOf(await ask(`/log/${place}/checkpoint`)), verifier, 'refuse');
      const readHashes = tileHashReader(size, async ({ level, index, width }) => {
        const name = String(index).padStart(3, '0');
        const full = await ask(`/log/${place}/tile/${level}/${name}`);
        return bytesOf(full ?? (await ask(`/log/${place}/tile/${level}/${name}.p/${width}`)));
      });
      expect(Buffer.from(await readRoot(size, readHashes))).toEqual(Buffer.from(root));
    }
    const type = 'application/octet-stream';
    const full = await ask('/log/1/1/tile/0/000');
    expect(headersOf(full)).toEqual({ type, 'cache-control': 'public, max-age=31536000, immutable' });
    expect(bytesOf(full)).toHaveLength(8192);
    // The full tile has taken its place: its beginning is what the partial one had.
    const partial = await ask('/log/1/1/tile/0/000.p/7');
    expect(headersOf(partial)).toEqual({ type, 'cache-control': 'public, max-age=60' });
    expect(bytesOf(partial)).toEqual(bytesOf(full).subarray(0, 7 * 32));
  });

  test('answers for no file of a log but its head and its hashes, and shows no record', async () => {
    const { folder, ask, canary } = await twoShards();
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
    const isIn = (bytes: Buffer): boolean => bytes.includes(canary) || bytes.includes('sidecar.stopped');
    expect(files.filter((file) => isIn(readFileSync(join(folder, file))))).toContain('1/1/tile/entries/000');
    const given = new Set<string>();
    for (const file of files) {
      for (const path of [file, `1/1/../../${file}`, `1/1/tile/0/../../../../${file}`, file.replace('entries', '0')]) {
        const answer = await ask(`/log/${path}`);
        if (!answer) continue;
        expect(isIn(bytesOf(answer))).toBe(false);
        given.add(path);
      }
    }
    expect([...given].filter((path) => !/^1\/[12]\/(checkpoint|tile\/[01]\/[\dp./]+)$/.test(path))).toEqual([]);
    expect(given).toContain('1/1/tile/0/000');
  });

  test('shows nothing that is beyond the published head, though it is on disk', async () => {
    const { folder, ask, recorder } = await twoShards();
    const size = recorder.log.published()!.size;
    const beyond = `tile/0/000.p/${size + 1}`;
    expect(await ask(`/log/1/2/tile/0/000.p/${size}`)).toMatchObject({ status: 200 });
    writeFileSync(join(folder, '1/2', beyond), Buffer.alloc((size + 1) * 32));
    expect(await ask(`/log/1/2/${beyond}`)).toBeUndefined();
    rmSync(join(folder, '1/2', beyond));
    // A shard is being begun: the one before still takes records.
    cpSync(join(folder, '1/2'), join(folder, '1/3'), { recursive: true });
    expect(await ask('/log/1/3/checkpoint')).toBeUndefined();
    expect(await ask('/log/1/3/tile/0/000.p/1')).toBeUndefined();
    expect((JSON.parse(String((await ask('/log/'))!.body)) as { logs: unknown[] }).logs).toHaveLength(2);
    rmSync(join(folder, '1/3'), { recursive: true });
  });

  test('has nothing of a log that is not there, is damaged, or was deleted', async () => {
    const own = await twoShards();
    expect(await own.ask('/log/2/1/checkpoint')).toBeUndefined();
    const tile = join(own.folder, '1/1/tile/0/000');
    writeFileSync(tile, readFileSync(tile).subarray(0, 8191));
    expect(await own.ask('/log/1/1/tile/0/000')).toBeUndefined();
    const checkpoint = join(own.folder, '1/1/checkpoint');
    writeFileSync(checkpoint, readFileSync(checkpoint, 'utf8').replace(/^\d+$/m, '9'));
    expect(await own.ask('/log/1/1/checkpoint')).toBeUndefined();
    rmSync(join(own.folder, '1/1'), { recursive: true });
    expect(await own.ask('/log/1/1/checkpoint')).toBeUndefined();
    expect(await own.ask('/log/1/1/tile/0/000')).toBeUndefined();
    expect(JSON.parse(String((await own.ask('/log/'))!.body))).toMatchObject({ logs: [{ path: '/log/1/2' }] });
  });
});
