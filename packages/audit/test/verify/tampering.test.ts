import { describe, expect, test } from 'vitest';
import { verifyExitCode } from '../../src/index.ts';
import { tampered } from './log-on-disk.ts';
import { tamperedLog } from './tampering.ts';
import { found, verified } from './verified.ts';

describe.each([1000, 70_000])('a log of %i records that was tampered with', (size) => {
  const { whole, tamperings } = tamperedLog(size);

  test('is one that was accepted before', async () => {
    expect(found(await verified(whole))).toEqual([]);
  });

  test.each(tamperings)('is refused, and it is named: $what', async ({ change, found: expected }) => {
    const report = await verified(tampered(whole, change));
    expect(found(report)).toEqual(expected);
    expect(verifyExitCode(report)).toBe(1);
  });
});
