import { describe, expect, test } from 'vitest';
import { policyOfVkeys, verifyLog, type LogReport, type VerifyLogOptions } from '../../src/index.ts';
import { writeLog, type WrittenLog } from './log-on-disk.ts';

const NOW = Date.UTC(2026, 10, 22);

export function verify(log: WrittenLog, options: Partial<VerifyLogOptions> = {}): Promise<LogReport> {
  return verifyLog({
    readFile: (path) => log.files.get(path),
    policy: policyOfVkeys([log.vkey]),
    level: 'full',
    nowMs: NOW,
    ...options,
  });
}

describe('a log as it was written', () => {
  test.each([0, 1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_000])('of %i records holds', async (size) => {
    const report = await verify(writeLog(size));
    expect(report).toMatchObject({ integrity: { verdict: 'holds', count: 0 }, head: { size } });
  });
});
