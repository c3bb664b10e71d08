import { describe, expect, test } from 'vitest';
import { formatTilePath, tileHashReader, type Tile } from '../../src/index.ts';
import { faultOfAsync } from './fault-of.ts';
import { memoryLog, rootOf } from './memory-log.ts';

const log = memoryLog(300);

describe('hashes from tiles', () => {
  test('are those of the nodes, each tile being asked for once', async () => {
    const asked: string[] = [];
    const read = tileHashReader(300, async (tile) => {
      asked.push(formatTilePath(tile));
      return log.readTile(tile);
    });
    const [root256, leaf0, leaf299, pair] = await read([
      { height: 8, index: 0 },
      { height: 0, index: 0 },
      { height: 0, index: 299 },
      { height: 1, index: 149 },
    ]);
    expect(root256).toEqual(rootOf(log, 256));
    expect(leaf0).toEqual(log.leafHashes[0]);
    expect(leaf299).toEqual(log.leafHashes[299]);
    expect(pair).not.toEqual(leaf299);
    expect(asked.toSorted()).toEqual(['tile/0/000', 'tile/0/001.p/44', 'tile/1/000.p/1']);
  });

  test('are found in the full tile where the partial one has been deleted for it', async () => {
    const later = memoryLog(600);
    const read = tileHashReader(300, ({ level, index }: Tile) => later.readTile({ level, index, width: 256 }));
    expect(await read([{ height: 0, index: 299 }])).toEqual([log.leafHashes[299]]);
  });

  test.each([
    ['cut off', 43],
    ['of another size', 45],
    ['empty', 0],
  ])('are not read from a tile that is %s', async (_what, width) => {
    const read = tileHashReader(300, async () => Buffer.alloc(width * 32));
    expect(await faultOfAsync(() => read([{ height: 0, index: 299 }]))).toBe('tile');
  });

  test.each([
    { height: 0, index: 300 },
    { height: 3, index: 37 },
    { height: 8, index: 1 },
    { height: 9, index: 0 },
    { height: 60, index: 0 },
  ])('are not those of a node that the log has not: $height, $index', async (node) => {
    expect(await faultOfAsync(() => tileHashReader(300, log.readTile)([node]))).toBe('size');
  });

  test('fail as the reader of tiles fails', async () => {
    const read = tileHashReader(300, () => Promise.reject(new Error('EIO')));
    await expect(read([{ height: 0, index: 1 }])).rejects.toThrow('EIO');
  });
});
