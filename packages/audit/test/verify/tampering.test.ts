import { describe, expect, test } from 'vitest';
import { verifyExitCode } from '../../src/index.ts';
import { tampered } from './log-on-disk.ts';
import { tamperedLog } from './tampering.ts';
import { found, verified } from './verified.ts';

const small = tamperedLog(1000);
const large = tamperedLog(70_000);

describe.each([
  { ...small, size: 1000 },
  // What only a larger log has.
  { ...large, size: 70_000, tamperings: large.tamperings.filter(({ what }) => what.includes('level')) },
])('a log of $size records that was tampered with', ({ whole, tamperings }) => {
  test('is one that was accepted before', async () => {
    expect(found(await verified(whole))).toEqual([]);
  });

  test.each(tamperings)('is refused, and it is named: $what', async ({ change, found: expected }) => {
    const report = await verified(tampered(whole, change));
    expect(found(report)).toEqual(expected);
    expect(verifyExitCode(report)).toBe(1);
  });
});
