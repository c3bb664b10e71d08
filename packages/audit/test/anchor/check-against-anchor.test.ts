import { expect, test } from 'vitest';
import { checkAgainstAnchor } from '../../src/anchor/check-against-anchor.ts';
import { TlogError, type HashReader } from '../../src/index.ts';
import { GrowingLog, newKey, ORIGIN } from './growing-log.ts';

const log = new GrowingLog(newKey(ORIGIN));
const fork = log.forkedAt(5);
const headOf = (of: GrowingLog, size: number) => ({ origin: of.key.name, size, root: of.root(size) });
const check = (own: number, anchor: { origin: string; size: number; root: Buffer }, readHashes = log.readHashes) =>
  checkAgainstAnchor({ own: headOf(log, own), readHashes, anchor });

test.each([
  [9, 0],
  [9, 1],
  [9, 8],
  [9, 9],
  [300, 256],
  [0, 0],
])('a log of %i records has grown from its anchor of %i', (own, anchor) => check(own, headOf(log, anchor)));

test('a log that is smaller than its anchor is refused with the next step', async () => {
  await expect(check(8, headOf(log, 9))).rejects.toMatchObject({
    code: 'state_unusable',
    fault: 'behind_anchor',
    message: expect.stringMatching(/8 records, and 9 were anchored; .*begin a new incarnation/) as string,
  });
});

test.each([
  [9, 9],
  [9, 6],
  [300, 256],
])('a log of %i records that has others than its anchor of %i is refused', async (own, anchor) => {
  await expect(check(own, headOf(fork, anchor))).rejects.toMatchObject({ code: 'state_unusable', fault: 'forked' });
});

test('a fork after the anchor is none', () => check(9, headOf(fork, 5)));

test('the anchor of another log says nothing', async () => {
  const anchor = { ...headOf(log, 5), origin: 'acme.example/sidecar-1/1/2' };
  await expect(check(9, anchor)).rejects.toMatchObject({ fault: 'origin' });
});

test('a tile that was changed, or is gone, is not taken for a fork', async () => {
  const flipped: HashReader = async (nodes) =>
    (await log.readHashes(nodes)).map((hash) => Buffer.from(hash).fill(0, 0, 1));
  const gone: HashReader = () => Promise.reject(new TlogError('tile', 'gone'));
  for (const readHashes of [flipped, gone]) {
    for (const size of [5, 9]) {
      await expect(check(9, headOf(log, size), readHashes)).rejects.toMatchObject({ fault: 'tiles_damaged' });
    }
  }
});
