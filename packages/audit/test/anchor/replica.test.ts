import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  CompactRange,
  cosigner,
  encodeEntryBundle,
  formatTilePath,
  formatVkey,
  KEY_TYPE,
  logSigner,
  logVerifier,
  parseTlogPolicy,
  publicNoteKey,
  signCheckpoint,
  tilesOfGrowth,
  verifyLog,
} from '../../src/index.ts';
import { createFolderTarget } from '../../src/anchor/folder-target.ts';
import type { ReplicaTarget } from '../../src/anchor/replica-target.ts';
import { openReplica, type Replica } from '../../src/anchor/replica.ts';
import { newestReplicatedHead } from '../../src/anchor/replicated-head.ts';
import { createNodeLogFiles } from '../../src/log/node-log-files.ts';
import { dice } from '../journal/model-disk.ts';
import { memoryLog, type MemoryLog } from '../tlog/memory-log.ts';
import { newKey, ORIGIN } from './growing-log.ts';
import { Crash, ModelFiles, type Ending } from './model-files.ts';

const key = newKey(ORIGIN);
const log = logVerifier(publicNoteKey(key, KEY_TYPE.ed25519));
const witness = cosigner(newKey('w1.example'), () => 1_795_000_000);
const headOf = ({ size, root }: MemoryLog, by = key) =>
  signCheckpoint({ origin: by.name, size, root }, [logSigner(by), witness]);
const small = memoryLog(600);
const grown = memoryLog(1100);

function open(target: ReplicaTarget, of: MemoryLog, readFile = (path: string) => of.tiles.get(path)): Promise<Replica> {
  return openReplica({ readFile, target, folder: ORIGIN, log });
}

/** The paths of what a replica of a log has to be. */
function expected({ size }: MemoryLog): string[] {
  return [...tilesOfGrowth(0, size)].map((tile) => `${ORIGIN}/${formatTilePath(tile)}`);
}

/** What is in a replica, without what a life that was cut short has left: partial tiles that wider ones stand for. */
function contentOf(files: ModelFiles, log: MemoryLog): Record<string, unknown> {
  const wanted = new Set(expected(log));
  const entries = Object.entries(files.content);
  return Object.fromEntries(entries.filter(([path]) => !path.includes('.p/') || wanted.has(path)));
}

const tilesIn = (files: ModelFiles) =>
  Object.keys(files.content)
    .filter((path) => path.includes('/tile/'))
    .toSorted();
const headsIn = (files: ModelFiles) => Object.keys(files.content).filter((path) => path.includes('/anchored/'));

describe('a replica', () => {
  test('has the tiles and the anchored head byte for byte, and says up to where', async () => {
    const files = new ModelFiles();
    const replica = await open(createFolderTarget(files), small);
    expect(replica.replicated).toBeUndefined();
    expect(await replica.replicate(headOf(small))).toEqual({ size: 600 });
    expect(replica.replicated).toEqual({ size: 600 });
    expect(tilesIn(files)).toEqual(expected(small).toSorted());
    for (const path of tilesIn(files)) {
      expect(await files.read(path)).toEqual(small.tiles.get(path.slice(ORIGIN.length + 1)));
    }
    expect(headsIn(files)).toEqual([expect.stringMatching(/\/anchored\/0000000000000600-[0-9a-f]{16}$/)]);
    expect(await files.read(headsIn(files)[0]!)).toEqual(headOf(small));
  });

  test('grows with its log, in one life or in several, to the same bytes', async () => {
    const once = new ModelFiles();
    const oneLife = await open(createFolderTarget(once), grown);
    // The partial tile of the smaller head is gone by now: the full one has its hashes.
    expect(await oneLife.replicate(headOf(small))).toEqual({ size: 600 });
    expect(await oneLife.replicate(headOf(grown))).toEqual({ size: 1100 });
    const again = new ModelFiles();
    for (const each of [small, grown]) await (await open(createFolderTarget(again), each)).replicate(headOf(each));
    expect(once.content).toEqual(contentOf(again, grown));
    expect(tilesIn(once)).toEqual(expected(grown).toSorted());
  });

  test('keeps the partial tiles of its newest head alone, but for a life that was cut short', async () => {
    const files = new ModelFiles();
    const replica = await open(createFolderTarget(files), small);
    for (const size of [3, 200, 256, 300, 600]) {
      // The log has grown since to 600: what was partial then is the beginning of a full bundle.
      const part = memoryLog(size);
      await replica.replicate(headOf(part));
      expect(tilesIn(files)).toEqual(expected(part).toSorted());
      for (const path of tilesIn(files)) {
        expect(await files.read(path)).toEqual(part.tiles.get(path.slice(ORIGIN.length + 1)));
      }
    }
  });

  test('takes away what an earlier life left of partial tiles, once its own head is there', async () => {
    const files = new ModelFiles();
    for (const size of [3, 200]) {
      const part = memoryLog(size);
      await (await open(createFolderTarget(files), small)).replicate(headOf(part));
      expect(tilesIn(files)).toEqual(expected(part).toSorted());
    }
  });

  test('asked again writes nothing new, and takes a head that was cosigned again', async () => {
    const files = new ModelFiles();
    const replica = await open(createFolderTarget(files), small);
    await replica.replicate(headOf(small));
    const before = files.content;
    await replica.replicate(headOf(small));
    await (await open(createFolderTarget(files), small)).replicate(headOf(small));
    expect(files.content).toEqual(before);
    const later = cosigner(newKey('w1.example'), () => 1_795_000_060);
    await replica.replicate(signCheckpoint({ origin: ORIGIN, size: 600, root: small.root }, [logSigner(key), later]));
    expect([tilesIn(files).length, headsIn(files).length]).toEqual([7, 2]);
  });

  test('of a log with tiles at three levels has those of the upper ones too', { timeout: 60_000 }, async () => {
    const large = memoryLog(66_000);
    const files = new ModelFiles();
    expect(await (await open(createFolderTarget(files), large)).replicate(headOf(large))).toEqual({ size: 66_000 });
    expect(tilesIn(files)).toEqual(expected(large).toSorted());
    expect(await files.read(`${ORIGIN}/tile/1/000`)).toEqual(large.tiles.get('tile/1/000'));
    // And the next life finds its place by them.
    const next = await open(createFolderTarget(files), large);
    expect(await next.replicate(headOf(large))).toEqual({ size: 66_000 });
  });

  test('of a log below one bundle has its records too', async () => {
    const tiny = memoryLog(255);
    const files = new ModelFiles();
    expect(await (await open(createFolderTarget(files), tiny)).replicate(headOf(tiny))).toEqual({ size: 255 });
    expect(tilesIn(files)).toEqual(expected(tiny).toSorted());
    expect(headsIn(files)).toHaveLength(1);
  });

  test('is listed through the folders of its tiles, without what is half written', async () => {
    const files = new ModelFiles();
    const target = createFolderTarget(files);
    const paths = ['o/tile/0/000', 'o/tile/0/x001/000', 'o/tile/0/x001/x234/067'];
    for (const path of paths) expect(await target.putIfAbsent(path, Buffer.from(path))).toBe(true);
    files.put('o/tile/0/x001/001.tmp', Buffer.from('half'));
    expect((await target.list('o/tile/0')).toSorted()).toEqual(paths.toSorted());
    expect(await target.list('o/tile/1')).toEqual([]);
    expect(await target.putIfAbsent(paths[0]!, Buffer.from('other'))).toBe(false);
    expect(String(await target.get(paths[0]!))).toBe(paths[0]);
  });

  test('interrupted at every write resumes and ends byte for byte the same', async () => {
    const whole = new ModelFiles();
    await (await open(createFolderTarget(whole), small)).replicate(headOf(small));
    await (await open(createFolderTarget(whole), grown)).replicate(headOf(grown));
    let interruptions = 0;
    for (const ending of ['killed', 'power'] satisfies Ending[]) {
      for (const fault of ['crash-before', 'crash-after'] as const) {
        for (let at = 0; ; at++) {
          const files = new ModelFiles();
          files.fault = (call) => (call === at ? fault : undefined);
          const stopped = await open(createFolderTarget(files), small).then((replica) =>
            replica.replicate(headOf(small)).then(
              () => undefined,
              (error: unknown) => error,
            ),
          );
          if (files.calls <= at) break;
          expect((stopped as Error).cause).toBeInstanceOf(Crash);
          interruptions += 1;
          const throws = dice(at);
          const found = files.after(ending, () => throws(2) === 0);
          // What was half written is the beginning of the same.
          const resumed = await open(createFolderTarget(found), small);
          expect(await resumed.replicate(headOf(small))).toEqual({ size: 600 });
          expect(await (await open(createFolderTarget(found), grown)).replicate(headOf(grown))).toMatchObject({
            size: 1100,
          });
          expect(contentOf(found, grown), `${ending} ${fault} ${at}`).toEqual(contentOf(whole, grown));
          const durable = found.after('power', () => false);
          expect(contentOf(durable, grown), `${ending} ${fault} ${at}`).toEqual(contentOf(whole, grown));
        }
      }
    }
    expect(interruptions).toBeGreaterThan(100);
  });

  test('after a call to the disk that failed takes nothing more until it is opened anew, and then goes on', async () => {
    for (let at = 0; ; at += 3) {
      const files = new ModelFiles();
      files.fault = (call) => (call === at ? 'eio' : undefined);
      const target = createFolderTarget(files);
      const replica = await open(target, small);
      const refused = await replica.replicate(headOf(small)).catch((error: unknown) => error);
      if (files.calls <= at) break;
      expect(refused).toMatchObject({ code: 'anchor_unavailable', fault: 'replica_unavailable' });
      expect(replica.replicated).toBeUndefined();
      await expect(replica.replicate(headOf(small))).rejects.toMatchObject({ fault: 'replica_unavailable' });
      expect(await (await open(createFolderTarget(files), small)).replicate(headOf(small))).toEqual({ size: 600 });
    }
  });

  test('is stopped by its caller between two bundles, and goes on', async () => {
    const files = new ModelFiles();
    const stop = new AbortController();
    const target = createFolderTarget(files);
    const stopping: ReplicaTarget = {
      ...target,
      async putIfAbsent(path, content) {
        stop.abort(new Error('shutting down'));
        return target.putIfAbsent(path, content);
      },
    };
    const replica = await open(stopping, small);
    await expect(replica.replicate(headOf(small), stop.signal)).rejects.toThrow('shutting down');
    expect(tilesIn(files)).toHaveLength(2);
    expect(await replica.replicate(headOf(small))).toEqual({ size: 600 });
  });
});

describe('a replica is never made of, or over, something else:', () => {
  test.each(['tile/0/000', 'tile/0/001', 'tile/entries/000', 'tile/entries/001'])(
    'another "%s" in its place is refused and stays',
    async (path) => {
      const files = new ModelFiles();
      const changed = Buffer.from(small.tiles.get(path)!);
      changed[100]! ^= 1;
      files.put(`${ORIGIN}/${path}`, changed);
      const replicate = async () => (await open(createFolderTarget(files), small)).replicate(headOf(small));
      await expect(replicate()).rejects.toMatchObject({ code: 'anchor_refused', fault: 'replica_differs' });
      expect(await files.read(`${ORIGIN}/${path}`)).toEqual(changed);
      expect(headsIn(files)).toEqual([]);
    },
  );

  test('a store that gives back another byte than it was given is not believed', async () => {
    for (const wrong of ['/tile/entries/001', '/tile/0/001', '/anchored/']) {
      const files = new ModelFiles();
      const target = createFolderTarget(files);
      const lying: ReplicaTarget = {
        ...target,
        async get(path) {
          const bytes = await target.get(path);
          return path.includes(wrong) ? bytes && Buffer.from(bytes).fill(1, 40, 41) : bytes;
        },
      };
      const replica = await open(lying, small);
      await expect(replica.replicate(headOf(small)), wrong).rejects.toMatchObject({ fault: 'replica_differs' });
      expect(replica.replicated).toBeUndefined();
    }
  });

  test('a store that says it has taken what it has not is not believed', async () => {
    const forgetting: ReplicaTarget = {
      putIfAbsent: async () => true,
      get: async () => undefined,
      remove: async () => {},
      list: async () => [],
    };
    await expect((await open(forgetting, small)).replicate(headOf(small))).rejects.toMatchObject({
      fault: 'replica_differs',
    });
  });

  test('no byte of the log that was changed is copied', async () => {
    const paths = [...small.tiles.keys()].filter(
      // Made anew from those below.
      (path) => path !== 'tile/1/000.p/2',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...paths),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (path, at, mask) => {
          const changed = Buffer.from(small.tiles.get(path)!);
          changed[at % changed.length]! ^= mask;
          const files = new ModelFiles();
          const readFile = (asked: string) => (asked === path ? changed : small.tiles.get(asked));
          const replica = await open(createFolderTarget(files), small, readFile);
          await expect(replica.replicate(headOf(small))).rejects.toMatchObject({
            code: 'anchor_refused',
            fault: 'replica_source',
          });
          for (const copied of tilesIn(files)) {
            expect(await files.read(copied)).toEqual(small.tiles.get(copied.slice(ORIGIN.length + 1)));
          }
          expect(headsIn(files)).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a tile that changes between two looks is not copied', async () => {
    const looks = new Map<string, number>();
    const files = new ModelFiles();
    const readFile = (path: string) => {
      looks.set(path, (looks.get(path) ?? 0) + 1);
      const bytes = small.tiles.get(path);
      return path === 'tile/0/001' && looks.get(path) === 2 ? Buffer.from(bytes!).fill(1, 0, 1) : bytes;
    };
    await expect(
      (await open(createFolderTarget(files), small, readFile)).replicate(headOf(small)),
    ).rejects.toMatchObject({
      fault: 'replica_source',
    });
    expect(tilesIn(files)).toEqual([`${ORIGIN}/tile/0/000`, `${ORIGIN}/tile/entries/000`]);
  });

  test('a bundle that is exchanged together with its hashes, once they were looked at, is not copied', async () => {
    const forged = memoryLog(1200);
    let looks = 0;
    const files = new ModelFiles();
    const readFile = (path: string) => {
      // Of a log that is shifted by a bundle: all that can be checked of these two alone holds.
      if (path === 'tile/entries/001') return forged.tiles.get('tile/entries/003');
      return path === 'tile/0/001' && ++looks > 1 ? forged.tiles.get('tile/0/003') : small.tiles.get(path);
    };
    const replica = await open(createFolderTarget(files), small, readFile);
    await expect(replica.replicate(headOf(small))).rejects.toMatchObject({ fault: 'replica_source' });
    expect(tilesIn(files)).toEqual([`${ORIGIN}/tile/0/000`, `${ORIGIN}/tile/entries/000`]);
  });

  test('a log that lacks a tile is not replicated past it', async () => {
    for (const path of ['tile/0/001', 'tile/entries/001', 'tile/0/002.p/88', 'tile/entries/002.p/88']) {
      const readFile = (asked: string) => (asked === path ? undefined : small.tiles.get(asked));
      const replica = await open(createFolderTarget(new ModelFiles()), small, readFile);
      await expect(replica.replicate(headOf(small)), path).rejects.toMatchObject({ fault: 'replica_source' });
    }
  });

  test('a head that the log has not signed, or of another log, is not taken', async () => {
    const replica = await open(createFolderTarget(new ModelFiles()), small);
    await expect(replica.replicate(headOf(small, newKey(ORIGIN)))).rejects.toMatchObject({ fault: 'unsigned' });
    const elsewhere = newKey('acme.example/sidecar-1/1/2');
    await expect(replica.replicate(headOf(small, elsewhere))).rejects.toMatchObject({ fault: 'unsigned' });
  });

  test('a log behind its replica is refused: it was rolled back', async () => {
    const files = new ModelFiles();
    await (await open(createFolderTarget(files), grown)).replicate(headOf(grown));
    const before = files.content;
    for (const older of [small, memoryLog(1024), memoryLog(1099)]) {
      const replica = await open(createFolderTarget(files), older);
      await expect(replica.replicate(headOf(older))).rejects.toMatchObject({ fault: 'replica_differs' });
      expect(files.content).toEqual(before);
    }
  });

  test('the tiles of a log that has forked since are not mixed with those of its replica', async () => {
    const files = new ModelFiles();
    const forked = forkOf(grown.size);
    await (await open(createFolderTarget(files), forked)).replicate(headOf(forked));
    const before = files.content;
    const larger = memoryLog(2000);
    const replica = await open(createFolderTarget(files), larger);
    await expect(replica.replicate(headOf(larger))).rejects.toMatchObject({ fault: 'replica_differs' });
    expect(files.content).toEqual(before);
  });
});

/** A log of other entries, by the same tiles machinery: the entries are shifted by one. */
function forkOf(size: number): MemoryLog {
  const shifted = memoryLog(size + 256);
  const tiles = new Map<string, Buffer>();
  const rest = { ...shifted, size };
  // Bundles and rows move by one tile, which is another log of the same shape.
  for (const [path, bytes] of shifted.tiles) {
    const at = /^tile\/(0|entries)\/00([0-9])$/.exec(path);
    if (at && Number(at[2]) > 0) tiles.set(`tile/${at[1]}/00${Number(at[2]) - 1}`, bytes);
  }
  const hashes = shifted.leafHashes.slice(256, 256 + size);
  const full = Math.floor(size / 256);
  tiles.set(`tile/0/00${full}.p/${size % 256}`, Buffer.concat(hashes.slice(full * 256)));
  const last = shifted.entries.slice(256).slice(full * 256, size);
  tiles.set(`tile/entries/00${full}.p/${size % 256}`, encodeEntryBundle(last));
  return { ...rest, tiles, leafHashes: hashes, root: rootOfHashes(hashes) };
}

function rootOfHashes(hashes: readonly Buffer[]): Buffer {
  const range = new CompactRange();
  for (const each of hashes) range.append(each);
  return range.root();
}

describe('the newest head of a replica', () => {
  test('is the largest that the log has signed, whatever else lies there', async () => {
    const files = new ModelFiles();
    const target = createFolderTarget(files);
    expect(await newestReplicatedHead(target, ORIGIN, log)).toBeUndefined();
    for (const each of [small, grown]) await (await open(target, each)).replicate(headOf(each));
    await target.putIfAbsent(`${ORIGIN}/anchored/9999999999999999-0000000000000000`, headOf(grown, newKey(ORIGIN)));
    await target.putIfAbsent(`${ORIGIN}/anchored/zz`, Buffer.from('no checkpoint'));
    const newest = await newestReplicatedHead(target, ORIGIN, log);
    expect(newest).toMatchObject({ origin: ORIGIN, size: 1100, root: grown.root, checkpoint: headOf(grown) });
  });

  test('that cannot be asked for is unavailable, not absent', async () => {
    const failing: ReplicaTarget = {
      ...createFolderTarget(new ModelFiles()),
      list: () => Promise.reject(new Error('EIO')),
    };
    await expect(newestReplicatedHead(failing, ORIGIN, log)).rejects.toMatchObject({ fault: 'replica_unavailable' });
  });
});

describe('in a real folder', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tallystick-replica-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('a replica of a log of full bundles is a log that the verifier accepts, with its newest head as the checkpoint', async () => {
    const full = memoryLog(1024);
    const files = createNodeLogFiles(folder);
    const replica = await open(createFolderTarget(files), full);
    expect(await replica.replicate(headOf(full))).toEqual({ size: 1024 });
    expect(await (await open(createFolderTarget(files), full)).replicate(headOf(full))).toEqual({ size: 1024 });
    const target = createFolderTarget(files);
    const newest = await newestReplicatedHead(target, ORIGIN, log);
    const readFile = async (path: string) =>
      path === 'checkpoint'
        ? newest?.checkpoint
        : path === 'tile/1/000.p/4'
          ? full.tiles.get(path)
          : files.read(`${ORIGIN}/${path}`);
    const vkey = `log ${formatVkey(publicNoteKey(key, KEY_TYPE.ed25519))}\nquorum none\n`;
    const policy = parseTlogPolicy(Buffer.from(vkey));
    const report = await verifyLog({ readFile, policy, level: 'full', nowMs: 1_795_000_000_000 });
    expect(report.integrity).toMatchObject({ verdict: 'holds', count: 0 });
  });
});
