import { expect, test } from 'vitest';
import { forgetKeys, mayForgetKeys } from '../../../src/record/shards/shard-keys.ts';
import { openLogKey, shardsWithKeys } from '../../../src/state/log-key.ts';
import { temporaryFolder } from '../../listen/temporary-folder.ts';

test('a key may go where nobody outside is asked, and else once the first record of the next shard is anchored', () => {
  expect(mayForgetKeys('not_asked')).toBe(true);
  expect(mayForgetKeys(0)).toBe(false);
  expect(mayForgetKeys(1)).toBe(true);
});

test('keys of closed shards alone are removed: not that of the newest, nor those of another incarnation', async () => {
  const folder = temporaryFolder();
  for (const [incarnation, shard] of [
    [1, 1],
    [2, 1],
    [2, 2],
    [2, 11],
  ] as const) {
    await openLogKey(folder, { incarnation, shard }, { mayMake: true });
  }
  const newest = { incarnation: 2, shard: 11 };
  expect(await forgetKeys(folder, newest, 0)).toEqual({ gone: [], isWaiting: true });
  const gone = [1, 2].map((shard) => ({ incarnation: 2, shard }));
  expect(await forgetKeys(folder, newest, 5)).toEqual({ gone, isWaiting: false });
  expect(await shardsWithKeys(folder, 2)).toEqual([newest]);
  expect(await shardsWithKeys(folder, 1)).toEqual([{ incarnation: 1, shard: 1 }]);
  expect(await forgetKeys(folder, newest, 0)).toEqual({ gone: [], isWaiting: false });
});

test('a key of one shard is not taken for that of another, and none is made for a shard that has signed', async () => {
  const folder = temporaryFolder();
  const first = await openLogKey(folder, { incarnation: 1, shard: 1 }, { mayMake: true });
  const second = await openLogKey(folder, { incarnation: 1, shard: 2 }, { mayMake: true });
  expect(second.equals(first)).toBe(false);
  expect((await openLogKey(folder, { incarnation: 1, shard: 1 }, { mayMake: false })).equals(first)).toBe(true);
  await expect(openLogKey(folder, { incarnation: 1, shard: 3 }, { mayMake: false })).rejects.toMatchObject({
    code: 'state_unusable',
  });
});
