import { describe, expect, test } from 'vitest';
import {
  KEY_TYPE,
  logSigner,
  logVerifier,
  newestReplicatedHead,
  openReplica,
  publicNoteKey,
  signCheckpoint,
  type ReplicaTarget,
} from '../../src/index.ts';
import { memoryLog } from '../tlog/memory-log.ts';
import { newKey, ORIGIN } from './growing-log.ts';

/** What every place of a replica does. @param open Returns an empty one. */
export function describeReplicaTarget(title: string, open: () => Promise<ReplicaTarget>): void {
  describe(`${title} as the place of a replica`, () => {
    test('gives back what was stored, byte for byte, and nothing for what was not', async () => {
      const target = await open();
      const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      const large = Buffer.alloc(300_000, 7);
      for (const [path, content] of [
        ['o/tile/0/000', all],
        ['o/tile/entries/x001/000', large],
        ['o/anchored/0000000000000001-00', Buffer.from('—\n')],
      ] as const) {
        expect(await target.get(path)).toBeUndefined();
        expect(await target.putIfAbsent(path, content)).toBe(true);
        expect(Buffer.from((await target.get(path))!).equals(content)).toBe(true);
      }
    });

    test('keeps what is there, and says that it has not taken another', async () => {
      const target = await open();
      expect(await target.putIfAbsent('o/tile/0/000', Buffer.from('first'))).toBe(true);
      expect(await target.putIfAbsent('o/tile/0/000', Buffer.from('second'))).toBe(false);
      expect(await target.putIfAbsent('o/tile/0/000', Buffer.from('first'))).toBe(false);
      expect(String(await target.get('o/tile/0/000'))).toBe('first');
    });

    test('lists what is below a folder, whatever its depth, and nothing beside it', async () => {
      const target = await open();
      const paths = ['o/tile/0/000', 'o/tile/0/000.p/9', 'o/tile/0/x001/000', 'o/tile/0/x001/x234/067.p/112'];
      expect(await target.list('o/tile/0')).toEqual([]);
      for (const path of [...paths, 'o/tile/1/000', 'o/tile/00/000', 'o/anchored/1-a', 'other/tile/0/000']) {
        await target.putIfAbsent(path, Buffer.from(path));
      }
      expect((await target.list('o/tile/0')).toSorted()).toEqual(paths.toSorted());
      expect(await target.list('o/anchored')).toEqual(['o/anchored/1-a']);
      expect(await target.list('o/nothing')).toEqual([]);
      const behind = await target.list('o/tile/0', 'o/tile/0/000.p');
      expect(behind.toSorted()).toEqual(paths.slice(1));
      expect(await target.list('o/tile/0', 'o/tile/0/x001/x234/067.p/112')).toEqual([]);
    });

    test('what was removed is gone, and what never was is none the worse', async () => {
      const target = await open();
      const wide = 'o/tile/0/000.p/20';
      for (const path of ['o/tile/0/000.p/10', wide]) await target.putIfAbsent(path, Buffer.from(path));
      await target.remove('o/tile/0/000.p/10');
      await target.remove('o/tile/0/000.p/10');
      expect(await target.get('o/tile/0/000.p/10')).toBeUndefined();
      expect(await target.list('o/tile/0')).toEqual([wide]);
      await target.remove(wide);
      expect(await target.list('o/tile/0')).toEqual([]);
    });

    test('takes the copy of a log, in one life and the next, and finds its newest head', async () => {
      const target = await open();
      const key = newKey(ORIGIN);
      const log = logVerifier(publicNoteKey(key, KEY_TYPE.ed25519));
      for (const size of [300, 600]) {
        const source = memoryLog(size);
        const readFile = (path: string) => source.tiles.get(path);
        const head = signCheckpoint({ origin: ORIGIN, size, root: source.root }, [logSigner(key)]);
        const replica = await openReplica({ readFile, target, folder: ORIGIN, log });
        expect(await replica.replicate(head)).toEqual({ size });
        expect(await newestReplicatedHead(target, ORIGIN, log)).toMatchObject({ size, checkpoint: head });
        for (const [path, bytes] of source.tiles) {
          expect(Buffer.from((await target.get(`${ORIGIN}/${path}`))!).equals(bytes), path).toBe(true);
        }
      }
    });
  });
}
