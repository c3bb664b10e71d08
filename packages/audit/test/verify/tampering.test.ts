import { describe, expect, test } from 'vitest';
import { verifyExitCode } from '../../src/index.ts';
import { tamper, TAMPERINGS, WHOLE } from './tampering.ts';
import { found, verified } from './verified.ts';

describe('a log that was tampered with', () => {
  test('is one that was accepted before', async () => {
    expect(found(await verified(WHOLE))).toEqual([]);
  });

  test.each(TAMPERINGS)('is refused, and it is named: $what', async (tampering) => {
    const report = await verified(tamper(tampering));
    expect(found(report)).toEqual(tampering.found);
    expect(verifyExitCode(report)).toBe(1);
  });
});
